// The device path of stage 3 may ask only so much of a device: how often the CPU waits for it, what is copied, and that
// nothing depends on the order of its threads.

#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/score_maps.h"
#include "stage3_segment/train_step.h"
#include "tests/nn/operations.h"
#include "tests/nn/paths.h"
#include "tests/stage3/random_scores.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using Kind = LossOptions::Kind;

TrainingBatch batch_of(int64_t images, int64_t side) {
  TrainingBatch batch;
  batch.images = test::random_tensor("device path images", {images, 3, side, side}, at::kFloat);
  batch.labels = test::random_labels("device path labels", images, side, side, 3);
  for (int64_t n = 0; n < images; ++n) batch.keys.push_back(static_cast<uint64_t>(n));
  return batch;
}

struct NetworkCase {
  const char *backbone, *head;
  int64_t dropouts;
};

}  // namespace

TEST_CASE("a training step of stage 3 on the device path waits once, for its loss", "[cpu][device]") {
  const DevicePathEverywhere taken;
  for (const NetworkCase& of : {NetworkCase{"vgg16", "largefov", 2}, NetworkCase{"resnet101", "aspp", 0},
                                NetworkCase{"efficientnet_lite0", "plain", 1}, NetworkCase{"tiny", "plain", 0}}) {
    INFO(of.backbone);
    const auto network = make_network({.backbone = of.backbone, .head = of.head, .classes = 3}, 1);
    const TrainingBatch batch = batch_of(2, 65);
    Pass pass;
    pass.is_training = true;
    test::Operations operations;
    train_step(*network, batch, LossOptions(), pass);
    Sgd(network->parameters(), {}).step(1);
    operations.stop();
    REQUIRE(operations.downloads() == 1);
    REQUIRE(operations.uploads() == 4 + of.dropouts);  // images, both label maps, the axes of the interpolation
    REQUIRE(operations.among(test::kWaiting) == std::vector<std::string>{});
    REQUIRE(operations.among(test::kNondeterministic) == std::vector<std::string>{});
  }
}

TEST_CASE("every loss, the report's own forms too, has a deterministic way back on the device path", "[cpu][device]") {
  const DevicePathEverywhere taken;
  const LossLabels labels = test::random_labels("device path losses", 2, 17, 19, 4);
  for (const Kind kind : {Kind::plain, Kind::nal, Kind::entropy, Kind::bootstrap}) {
    LossOptions options;
    options.kind = kind;
    const at::Tensor scores = test::random_tensor("device path scores", {2, 4, 3, 5}, at::kFloat).requires_grad_();
    test::Operations operations;
    segmentation_loss(scores, labels, options).backward();
    report_code_loss(scores, scores, labels, options, nullptr).backward();
    operations.stop();
    REQUIRE(operations.among(test::kNondeterministic) == std::vector<std::string>{});
  }
}

TEST_CASE("the fused loss on the device path allocates as much for one image as for many", "[cpu][device]") {
  const DevicePathEverywhere taken;
  for (const int64_t images : {1, 5}) {
    const LossLabels labels = test::random_labels("device path allocations", images, 17, 19, 4);
    const at::Tensor scores = test::random_tensor("device path scores", {images, 4, 3, 5}, at::kFloat).requires_grad_();
    test::Operations operations;
    segmentation_loss(scores, labels, LossOptions()).backward();
    operations.stop();
    REQUIRE(operations.uploads() == 1);
    REQUIRE(operations.downloads() == 1);
    CAPTURE(operations.allocations());
    REQUIRE(operations.allocations() <= 14);
  }
}

TEST_CASE("prediction on the device path waits once for each scale of an image", "[cpu][device]") {
  const DevicePathEverywhere taken;
  const auto network = make_network({.backbone = "tiny", .classes = 3}, 1);
  const c10::InferenceMode inference;
  const at::Tensor image = test::random_tensor("device path image", {1, 3, 40, 52}, at::kFloat);
  test::Operations operations;
  score_maps(*network, image, {0.5, 1}, /*flips=*/true, /*align_corners=*/true);
  operations.stop();
  REQUIRE(operations.downloads() == 2);
  REQUIRE(operations.among(test::kWaiting) == std::vector<std::string>{});
}
