#include "stage3_segment/score_maps.h"

#include <cmath>

#include "common/base/random.h"
#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/predict.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;

at::Tensor random_input(int64_t height, int64_t width) {
  Random random(3, "score maps");
  const at::Tensor input = at::empty({1, 3, height, width}, at::kFloat);
  for (int64_t i = 0; i < input.numel(); ++i)
    input.mutable_data_ptr<float>()[i] = static_cast<float>(random.uniform(-2, 2));
  return input;
}

std::unique_ptr<Network> tiny_network() {
  return make_network({.backbone = "tiny", .head = "plain", .classes = 4, .classifier_std = 0.1}, 5);
}

// Does as the authors do at test time: interpolates every score map to the image, flips it back there, and averages:
// [1,K,H,W].
at::Tensor authors_scores(Network& network, const at::Tensor& input, const std::vector<double>& scales, bool flips,
                          bool align_corners) {
  const auto at_full_size = [&](const at::Tensor& x) {
    return at::upsample_bilinear2d(cosine_scores(network.features(x, Pass{}), network.classifier_weight()),
                                   {input.size(2), input.size(3)}, align_corners);
  };
  at::Tensor sum = at::zeros({}, at::kFloat);
  for (const double scale : scales) {
    const at::Tensor x = at::upsample_bilinear2d(input, at::OptionalIntArrayRef(), true,
                                                 at::ArrayRef<double>(std::vector<double>{scale, scale}));
    sum = sum + at_full_size(x);
    if (flips) sum = sum + at_full_size(x.flip({3})).flip({3});
  }
  return sum / static_cast<double>(scales.size() * (flips ? 2 : 1));
}

}  // namespace

TEST_CASE("scores averaged at low resolution are the authors' average at full resolution") {
  const at::NoGradGuard guard;
  const auto network = tiny_network();
  for (const auto& [height, width] : std::vector<std::pair<int64_t, int64_t>>{{37, 53}, {64, 48}, {9, 7}}) {
    for (const auto& [flips, align_corners] :
         std::vector<std::pair<bool, bool>>{{false, true}, {true, true}, {true, false}}) {
      const at::Tensor input = random_input(height, width);
      const std::vector<double> scales = {0.5, 0.75, 1, 1.5};
      const at::Tensor expected = authors_scores(*network, input, scales, flips, align_corners);
      const ScoreMaps maps = score_maps(*network, input, scales, flips, align_corners);
      REQUIRE(maps.maps.size() == 4);
      const at::Tensor found = at::empty_like(expected);
      const int64_t area = height * width, w = width;
      for_each_row(maps, {height, width}, 2, [&](int64_t y, const float* s) {
        for (int64_t x = 0; x < w; ++x)
          for (int64_t c = 0; c < 4; ++c) found.mutable_data_ptr<float>()[c * area + y * w + x] = s[x * 4 + c];
      });
      REQUIRE((found - expected).abs().max().item<double>() < 2e-6);
      const at::Tensor probabilities = at::softmax(expected * 20, 1);
      const auto p = class_probabilities(maps, {height, width}, 20, 2);
      REQUIRE((at::from_blob(const_cast<float*>(p.data()), expected.sizes(), at::kFloat) - probabilities)
                  .abs()
                  .max()
                  .item<double>() < 2e-5);
    }
  }
}

TEST_CASE("the most likely class is the first of equal ones") {
  ScoreMaps maps{3, {{1, 2, {0.5f, 0.5f, 0.1f, -0.2f, 0.3f, 0.3f}}}};
  const LabelMap labels = most_likely(maps, {1, 2}, 1);
  REQUIRE(labels.pixels == std::vector<uint8_t>{0, 1});
}

TEST_CASE("labels do not depend on the number of threads, nor does the smallest image fail") {
  const at::NoGradGuard guard;
  const auto network = tiny_network();
  const ScoreMaps maps = score_maps(*network, random_input(61, 40), {0.5, 1}, true);
  REQUIRE(most_likely(maps, {61, 40}, 1) == most_likely(maps, {61, 40}, 5));
  REQUIRE(class_probabilities(maps, {61, 40}, 20, 1) == class_probabilities(maps, {61, 40}, 20, 3));
  const ScoreMaps smallest = score_maps(*network, random_input(1, 1), {0.5, 0.75, 1, 1.5}, true);
  REQUIRE(most_likely(smallest, {1, 1}, 1).pixels.size() == 1);
}

TEST_CASE("the CRF's reference colours are mean-subtracted BGR, cut and wrapped to 8 bits") {
  RgbImage image(1, 2);
  image.pixels = {0, 116, 255, 123, 117, 104};  // red minus 122.675, green minus 116.669, blue minus 104.008
  REQUIRE(crf_colours(image, false) == image.pixels);
  // 255-104.008 = 150.992; 116-116.669 = -0.669 is cut to 0; 0-122.675 = -122.675 is cut to -122 and wraps to 134.
  REQUIRE(crf_colours(image, true) == std::vector<uint8_t>{150, 0, 134, 0, 0, 0});
}

TEST_CASE("without pairwise terms the CRF leaves the most likely class") {
  const at::NoGradGuard guard;
  const auto network = tiny_network();
  const ImageSize size{33, 29};
  const ScoreMaps maps = score_maps(*network, random_input(33, 29), {1}, false);
  CrfOptions options;
  options.bilateral_weight = options.gaussian_weight = 0;
  DenseCrf crf(options);
  const RgbImage image(33, 29);
  REQUIRE(refine(crf, maps, crf_colours(image, false), size, 20, 1) == most_likely(maps, size, 1));
}
