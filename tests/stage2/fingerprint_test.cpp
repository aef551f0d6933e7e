// Results may not change unnoticed: a changed digest of this tiny run needs a new kStage2Fingerprint, so that what
// users have made is made again.

#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/io/label_png.h"
#include "common/pipeline/stage/fingerprints.h"
#include "stage2_pseudolabel/measure_features.h"
#include "stage2_pseudolabel/pseudo_label.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// Returns the digest of one made-up image's labels: three discs, found by wide bumps in channels 1 to 3.
Digest tiny_run(const UnaryOptions& options, int64_t grid, BoxConvention convention, int threads) {
  const int64_t channels = 4, h = 9, w = 12;
  const ImageSize size{66, 90};
  const std::vector<Box> boxes = {{5, 8, 40, 40, 1}, {30, 20, 80, 60, 2}, {60, 5, 85, 30, 3}};
  at::Tensor features = at::empty({channels, h, w}, at::kFloat);
  float* out = features.mutable_data_ptr<float>();
  RgbImage image(size.height, size.width);
  Random random(7, "fingerprint");
  for (auto& v : image.pixels) v = static_cast<uint8_t>(100 + random.below(8));
  for (int64_t c = 0; c < channels; ++c) {
    const Box box = c == 0 ? Box{0, 0, 90, 66, 0} : boxes[static_cast<size_t>(c - 1)];
    const float x0 = (box.x0 + box.x1) / 2, y0 = (box.y0 + box.y1) / 2, radius = (box.x1 - box.x0) / 3;
    for (int64_t y = 0; y < h; ++y)
      for (int64_t x = 0; x < w; ++x) {
        const float dy = (static_cast<float>(y) * 8 - y0) / radius, dx = (static_cast<float>(x) * 8 - x0) / radius;
        *out++ = c == 0 ? 1 : 2 / (1 + dx * dx + dy * dy);
      }
    for (int64_t p = 0; p < size.height * size.width && c > 0; ++p) {
      const float dy = static_cast<float>(p / size.width) - y0, dx = static_cast<float>(p % size.width) - x0;
      if (dx * dx + dy * dy < radius * radius) image.pixels[static_cast<size_t>(3 * p + c - 1)] += 90;
    }
  }
  ClassWeights weights;
  weights.channels = channels;
  weights.rows = {1, -0.25, -0.25, -0.25, 0, 1, 0, 0, 0, 0, 1, 0};
  weights.row_of_class = {0, 1, 2, -1};
  const Geometry geometry = make_geometry(boxes, size, convention);
  const FeatureMaps maps = measure_features(features, geometry, weights, grid, threads);
  DenseCrf crf(CrfOptions{}, threads);
  const auto labels = make_pseudo_labels(options, geometry, image, maps, features, weights, crf, threads);
  return digest_of_labels(labels.y_crf) + digest_of_labels(labels.y_ret);
}

}  // namespace

TEST_CASE("the labels of a tiny run are those of this fingerprint, for any number of threads", "[stage2]") {
  UnaryOptions seed, paper, boxes;
  seed.background = BackgroundUnary::activation;
  paper.background = BackgroundUnary::activation_of_paper;
  boxes.fills_unknown_boxes = true;
  for (const int threads : {1, 2, 5}) {
    INFO(threads << " threads");
    Hasher hasher;
    hasher.text(tiny_run({}, 1, BoxConvention::reference, threads))
        .text(tiny_run({}, 4, BoxConvention::exact, threads));
    hasher.text(tiny_run(seed, 1, BoxConvention::reference, threads))
        .text(tiny_run(paper, 1, BoxConvention::reference, threads));
    hasher.text(tiny_run(boxes, 1, BoxConvention::reference, threads));
    CHECK(kStage2Fingerprint + (' ' + hasher.digest()) == test::recorded_results("stage2.labels"));
  }
}
