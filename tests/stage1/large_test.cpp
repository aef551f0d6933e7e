#include "tests/nn/large.h"

#include "stage1_classify/bap.h"

#include "tests/support/catch.h"

namespace boxseg {

LARGE_TEST_CASE("background-aware pooling on the device path is the CPU's in double, at training size", "[cpu]") {
  const bool is_training = scale == test::Scale::training;
  const int64_t images = is_training ? 20 : 2, channels = is_training ? 1024 : 48, side = 321;
  Random random(0, "large bap");
  std::vector<std::vector<uint8_t>> masks(static_cast<size_t>(images), std::vector<uint8_t>(side * side, 1));
  std::vector<BapImage> batch;
  for (auto& mask : masks) {
    BapImage image;
    for (int b = 0; b < 4; ++b) {
      const double x0 = random.uniform(-1, 0.6), y0 = random.uniform(-1, 0.6);
      const double x1 = std::min(1.0, x0 + random.uniform(0.05, 1)), y1 = std::min(1.0, y0 + random.uniform(0.05, 1));
      image.boxes.push_back({float(x0), float(y0), float(x1), float(y1), 1 + random.below(20)});
      for (int64_t y = 0; y < side; ++y)
        for (int64_t x = 0; x < side; ++x) {
          const double u = 2.0 * x / (side - 1) - 1, v = 2.0 * y / (side - 1) - 1;
          if (u >= x0 && u < x1 && v >= y0 && v < y1) mask[static_cast<size_t>(y * side + x)] = 0;
        }
    }
    image.background_mask = mask.data();
    batch.push_back(image);
  }
  const auto plan = std::make_shared<const BapPlan>(make_bap_plan(batch, {side, side}, 41, 41, 4, 2, Pooling::bap));
  const at::Tensor features = test::normal_tensor(random, {images, channels, 41, 41}, at::kDouble).relu_();
  const at::Tensor slope =
      test::normal_tensor(random, {static_cast<int64_t>(plan->boxes.size()) * 4, channels}, at::kDouble);
  const auto run = [&](const at::Tensor& given) {
    const at::Tensor leaf = given.clone().requires_grad_(true);
    const BapResult result = background_aware_pooling(leaf, plan);
    ((result.box_vectors * slope.to(leaf.options())).sum() + result.queries.square().sum()).backward();
    return std::vector<at::Tensor>{result.box_vectors.detach().cpu(), result.queries.detach().cpu(),
                                   result.attention.cpu(), leaf.grad().cpu()};
  };
  const auto expected = run(features);
  const auto found = test::on_device_path([&] { return run(on(features.to(at::kFloat))); });
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(expected[i].abs().max().item<double>() > 1e-3);
    CHECK(test::error_of(found[i], expected[i]) < 2e-5);
  }
}

}  // namespace boxseg
