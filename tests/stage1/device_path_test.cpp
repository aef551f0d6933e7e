// The device path of stage 1 may ask only so much of a device: how often the CPU waits for it, what is copied, and that
// nothing depends on the order of its threads.

#include "common/base/random.h"
#include "stage1_classify/bap.h"
#include "stage1_classify/training_step.h"
#include "tests/nn/operations.h"
#include "tests/nn/paths.h"
#include "tests/nn/tensors.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

std::vector<TrainingSample> samples(int64_t count, int64_t side) {
  Random random(0, "device path samples");
  std::vector<TrainingSample> all;
  for (int64_t n = 0; n < count; ++n) {
    TrainingSample s;
    s.height = s.width = side;
    s.image_key = static_cast<uint64_t>(n);
    s.background.assign(static_cast<size_t>(side * side), 1);
    for (int64_t i = 0; i < 3 * side * side; ++i) s.input.push_back(static_cast<float>(random.normal()));
    for (int64_t y = side / 4; y < side / 2; ++y)
      for (int64_t x = side / 4; x < 3 * side / 4; ++x) s.background[static_cast<size_t>(y * side + x)] = 0;
    s.boxes = {{-0.5f, -0.5f, 0.5f, 0.f, 1}, {0.1f, -0.4f, 0.45f, -0.1f, 2}};
    all.push_back(s);
  }
  return all;
}

void step(Network& network, const std::vector<TrainingSample>& batch, int64_t micro_batch = 0) {
  Pass pass;
  pass.is_training = true;
  StepOptions options;
  options.micro_batch = micro_batch;
  training_step(network, batch, options, pass, nullptr);
  Sgd(network.parameters(), {}).step(1);
}

}  // namespace

TEST_CASE("a training step of stage 1 on the device path waits once, for its report", "[cpu][device]") {
  const DevicePathEverywhere taken;
  const auto network = make_network({.backbone = "vgg16", .classes = 3}, 1);
  const auto batch = samples(2, 65);
  step(*network, batch);
  test::Operations operations;
  step(*network, batch);
  operations.stop();
  REQUIRE(operations.downloads() == 1);
  REQUIRE(operations.uploads() == 5);  // images, BAP's plan, targets, the factors of two dropouts
  REQUIRE(operations.among(test::kWaiting) == std::vector<std::string>{});
  REQUIRE(operations.among(test::kNondeterministic) == std::vector<std::string>{});
}

TEST_CASE("background-aware pooling on the device path waits for nothing and uploads its plan once", "[cpu][device]") {
  const DevicePathEverywhere taken;
  Random random(0, "device path bap");
  std::vector<uint8_t> mask(64 * 64, 1);
  std::fill(mask.begin(), mask.begin() + 2000, uint8_t{0});
  BapImage image;
  image.background_mask = mask.data();
  image.boxes = {{-0.9f, -0.9f, 0.1f, 0.f, 1}, {0.1f, -0.4f, 0.45f, -0.1f, 2}, {-0.5f, -0.5f, 0.9f, 0.9f, 1}};
  int64_t allocations[2];
  for (const int64_t images : {1, 4}) {
    const std::vector<BapImage> batch(static_cast<size_t>(images), image);
    const auto plan = std::make_shared<const BapPlan>(make_bap_plan(batch, {64, 64}, 16, 16, 4, 2, Pooling::bap));
    const at::Tensor f = test::normal_tensor(random, {images, 32, 16, 16}).requires_grad_();
    test::Operations operations;
    const BapResult result = background_aware_pooling(f, plan);
    (result.box_vectors.sum() + result.queries.sum()).backward();
    operations.stop();
    REQUIRE(operations.uploads() == 1);
    REQUIRE(operations.downloads() == 0);
    REQUIRE(operations.among(test::kWaiting) == std::vector<std::string>{});
    REQUIRE(operations.among(test::kNondeterministic) == std::vector<std::string>{});
    allocations[images == 1 ? 0 : 1] = operations.allocations();
  }
  CAPTURE(allocations[0], allocations[1]);
  REQUIRE(allocations[0] <= 48);
  // For each image the products' operands are laid side by side.
  REQUIRE(allocations[1] - allocations[0] <= 3 * 4);
}

TEST_CASE("micro-batches of stage 1 on the device path have one report each", "[cpu][device]") {
  const DevicePathEverywhere taken;
  const auto network = make_network({.backbone = "tiny", .classes = 3}, 1);
  const auto batch = samples(4, 33);
  test::Operations operations;
  step(*network, batch, 2);
  operations.stop();
  REQUIRE(operations.downloads() == 2);
  REQUIRE(operations.uploads() == 6);
}

}  // namespace boxseg
