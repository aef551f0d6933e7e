// Makes what stage 1 trains on: augmented crops with their boxes and background masks.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/data/augment.h"
#include "common/data/boxes.h"
#include "common/data/dataset.h"
#include "common/data/shuffled_order.h"
#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

struct TrainingSample {
  uint64_t image_key = 0;            // stable_hash64 of the image's id
  int64_t height = 0, width = 0;     // size of the crop
  std::vector<float> input;          // [3,H,W], normalised
  std::vector<uint8_t> background;   // [H,W], 1 outside all boxes; 0 where the crop is padded, as the authors have it
  std::vector<NormalisedBox> boxes;  // with respect to the crop; may be empty
};

// Draws the crop for people to look at: boxes outlined in their classes' colours, what counts as background as it is,
// the rest at half its brightness.
RgbImage picture_of(const TrainingSample& sample, const Normalisation& normalisation, const Palette& palette);

// Returns the images of the split that can be trained on. With `skips_bad_images` every image is decoded once, so that
// the order of training does not depend on when damage is met; what cannot be read, or has another size than the
// dataset says, goes to `skipped` (ids). Throws usage for an unknown or empty split, bad_input when nothing is left.
std::vector<int64_t> trainable_images(const Dataset& dataset, const std::string& split, bool skips_bad_images,
                                      int threads, std::vector<std::string>* skipped);

// This is the endless sequence of samples: position p = (step-1)*batch + i. sample() is a function of (seed, epoch,
// image) and may be called from several threads.
class TrainingData {
 public:
  TrainingData(const Dataset& dataset, std::vector<int64_t> images, const Stage1Options& options, uint64_t seed,
               Normalisation normalisation);
  TrainingSample sample(int64_t position) const;  // throws bad_input: damaged file, size differs

 private:
  const Dataset& dataset_;
  std::vector<int64_t> images_;
  AugmentOptions augment_;
  uint64_t seed_;
  Normalisation normalisation_;
  ShuffledOrder order_;
};

}  // namespace boxseg
