// Makes augmented training crops, numbered by their position in the endless shuffled sequence of a run.
#pragma once
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/data/augment.h"
#include "common/data/dataset.h"
#include "common/data/shuffled_order.h"
#include "stage3_segment/losses.h"
#include "stage3_segment/training_labels.h"

namespace boxseg {

struct LabelledSample {
  std::vector<float> image;                  // [3,S,S], normalised
  std::vector<std::vector<uint8_t>> labels;  // [S,S] each
  uint64_t key = 0;                          // stable_hash64 of the image's id
};

// Draws the crop for people to look at, and to its right its label maps in their classes' colours.
RgbImage picture_of(const LabelledSample& sample, int64_t crop, const Normalisation& normalisation,
                    const Palette& palette);

struct TrainingSet {
  std::vector<int64_t> images;       // indices into dataset.images that have all they need
  std::vector<std::string> skipped;  // why others were left out
};

// Returns the images of a split that can be learnt from. With skips_bad, damaged images and those without labels are
// left out; else the first one throws bad_input.
TrainingSet select_training_images(const Dataset& dataset, const std::string& split, const TrainingLabels& labels,
                                   bool skips_bad, int threads);

struct SampleOptions {
  AugmentOptions augment;
  Normalisation normalisation;
  uint64_t seed = 0;
  int64_t batch = 1;
  uint8_t label_padding = 255;
};

class TrainingSamples {
 public:
  // `images` must not be empty. All arguments must outlive this.
  TrainingSamples(const Dataset& dataset, std::vector<int64_t> images, const TrainingLabels& labels,
                  SampleOptions options);

  // Returns sample `position`, counted from 0: slot position % batch of step position / batch + 1. It is a pure
  // function of its argument, and thread-safe. Throws bad_input with the file's name.
  LabelledSample at(int64_t position) const;

 private:
  const Dataset& dataset_;
  const std::vector<int64_t> images_;
  const TrainingLabels& labels_;
  const SampleOptions options_;
  const ShuffledOrder order_;
};

struct TrainingBatch {
  at::Tensor images;  // [B,3,S,S] float32
  LossLabels labels;  // [B,S,S] uint8
  std::vector<uint64_t> keys;
};
TrainingBatch make_batch(const std::vector<LabelledSample>& samples, int64_t crop);

}  // namespace boxseg
