// Results may not change unnoticed: other numbers of these tiny runs need a new kStage3Fingerprint or
// kPredictFingerprint, so that what users have made is made again.
#include <ATen/Parallel.h>

#include "common/base/hash.h"
#include "common/pipeline/stage/fingerprints.h"
#include "stage3_segment/predict.h"
#include "stage3_segment/train_step.h"
#include "stage3_segment/training_samples.h"
#include "tests/stage3/small_dataset.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;

constexpr int64_t kBatch = 3, kCrop = 49;

// Makes crops of the small dataset. They take our own arithmetic alone, so they are equal to the bit on every machine.
struct Crops {
  test::TemporaryDirectory dir;
  Dataset dataset = read_dataset(test::make_small_dataset(dir.path(), 5));
  TrainingLabels labels{"nal", test::make_small_labels(dir.path(), 5), dataset};
  TrainingSamples samples{dataset,
                          dataset.split("train"),
                          labels,
                          {{0.5, 1.5, 0.5, 0.5, kCrop}, parse_normalisation("lite0_rgb"), 4, kBatch}};

  TrainingBatch batch(int64_t step) const {
    std::vector<LabelledSample> all;
    for (int64_t i = 0; i < kBatch; ++i) all.push_back(samples.at((step - 1) * kBatch + i));
    return make_batch(all, kCrop);
  }
};

void add(Hasher& hasher, const at::Tensor& t) { hasher.bytes(t.const_data_ptr(), static_cast<size_t>(t.nbytes())); }

// Makes up smooth scores of three classes at two scales.
ScoreMaps made_up_scores() {
  ScoreMaps scores{3, {}};
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{7, 9}, {12, 10}}) {
    ScoreMap map{rows, columns, {}};
    for (int64_t y = 0; y < rows; ++y)
      for (int64_t x = 0; x < columns; ++x)
        for (int64_t c = 0; c < 3; ++c)
          map.values.push_back(static_cast<float>((x * (c + 1) + y * (3 - c) * (c == 1 ? -1 : 1)) % 11) / 16.0f);
    scores.maps.push_back(std::move(map));
  }
  return scores;
}

}  // namespace

TEST_CASE("training crops are those of this fingerprint", "[cpu]") {
  const Crops crops;
  Hasher hasher;
  for (int64_t step = 1; step <= 4; ++step) {
    const TrainingBatch batch = crops.batch(step);
    add(hasher, batch.images);
    add(hasher, batch.labels.label);
    add(hasher, batch.labels.other);
  }
  CHECK(kStage3Fingerprint + (' ' + hasher.digest()) == test::recorded_results("stage3.crops"));
}

TEST_CASE("a tiny training run has the losses of this fingerprint", "[cpu]") {
  const Crops crops;
  const auto network = make_network({.backbone = "tiny", .head = "largefov", .classes = 3, .classifier_std = 0.5}, 4);
  Schedule schedule;
  schedule.kind = "poly";
  schedule.iterations = 8;
  Sgd sgd(network->parameters(), {.learning_rate = 0.02});
  std::vector<double> losses;
  for (int64_t step = 1; step <= 8; ++step) {
    Pass pass;
    pass.is_training = true;
    pass.seed = 4;
    pass.step = static_cast<uint64_t>(step);
    losses.push_back(train_step(*network, crops.batch(step), LossOptions(), pass, 0).front().second);
    sgd.step(schedule.factor(step));
  }
  // Convolutions round differently from machine to machine; a change of meaning shows far above this.
  const std::vector<double> expected = {2.1668919225, 0.6859536833, 0.7082817401, 0.8591852361,
                                        0.4787877211, 1.3452002057, 0.4078873092, 0.3078586883};
  CHECK(kStage3Fingerprint == test::recorded_results("stage3.losses"));
  for (size_t i = 0; i < losses.size(); ++i) CHECK(losses[i] == Approx(expected[i]).epsilon(2e-4));
}

TEST_CASE("label maps of given scores are those of this fingerprint", "[cpu]") {
  const ScoreMaps scores = made_up_scores();
  const ImageSize size{53, 71};
  const RgbImage image = test::make_picture(3, size.height, size.width).image;
  Hasher hasher;
  hasher.text(digest_of_labels(most_likely(scores, size, 2)));
  DenseCrf crf(CrfOptions{4, 121, 5, 3, 3, 10});
  for (const bool is_reference : {false, true})
    hasher.text(digest_of_labels(refine(crf, scores, crf_colours(image, is_reference), size, 20, 2)));
  CHECK(kPredictFingerprint + (' ' + hasher.digest()) == test::recorded_results("predict.labels"));
}
