#include "tests/nn/large.h"

#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/losses.h"
#include "tests/stage3/random_scores.h"

#include "tests/support/catch.h"

using namespace boxseg;
using Kind = LossOptions::Kind;

LARGE_TEST_CASE("losses on cosine scores on the device path are the CPU's in double, at training size", "[cpu]") {
  const bool is_training = scale == test::Scale::training;
  const int64_t images = is_training ? 20 : 1, channels = is_training ? 1024 : 40, cells = is_training ? 41 : 13,
                side = is_training ? 321 : 97;
  const at::Tensor features = test::random_tensor("large features", {images, channels, cells, cells});
  const at::Tensor weight = test::random_tensor("large weight", {21, channels});
  const LossLabels labels = test::random_labels("large labels", images, side, side, 21);
  for (const Kind kind : {Kind::nal, Kind::bootstrap}) {
    LossOptions options;
    options.kind = kind;
    const auto run = [&](const at::Tensor& given, const at::Tensor& given_weight, const LossLabels& given_labels) {
      const at::Tensor f = given.clone().requires_grad_(true), w = given_weight.clone().requires_grad_(true);
      const at::Tensor loss = segmentation_loss(cosine_scores(f, w), given_labels, options);
      loss.backward();
      return std::vector<at::Tensor>{loss.detach().cpu(), f.grad().cpu(), w.grad().cpu()};
    };
    const auto expected = run(features, weight, labels);
    const auto found = test::on_device_path([&] {
      return run(on(features.to(at::kFloat)), on(weight.to(at::kFloat)), {on(labels.label), on(labels.other)});
    });
    CHECK(test::error_of(found[0], expected[0]) < 1e-6);
    CHECK(test::error_of(found[1], expected[1]) < 2e-5);
    CHECK(test::error_of(found[2], expected[2]) < 2e-5);
  }
}
