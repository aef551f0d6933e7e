#include "common/ops/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

#include "common/networks/network.h"
#include "common/ops/device_path.h"
#include "tests/nn/tensors.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

// Puts LibTorch's switches back: they belong to the process, and other tests want them as they were.
class KeepSwitches {
 public:
  ~KeepSwitches() {
    set_precision(Precision::exact);
    at::Context& context = at::globalContext();
    context.setDeterministicAlgorithms(false, false);
    context.setDeterministicCuDNN(false);
  }
};

struct Passed {
  at::Tensor features;
  std::vector<at::Tensor> gradients;
};

Passed pass_through(const NetworkSpec& spec, const at::Tensor& image) {
  const auto network = make_network(spec, 3);
  Pass pass = test::training_pass({5, 6});
  pass.freeze_bn =
      true;  // statistics of a few cells would make the rounding of a hundred layers as large as the features
  const at::Tensor features = network->features(image, pass);
  features.square().mean().backward();
  Passed passed{features.detach(), {}};
  for (const Parameter& p : network->parameters())
    if (p.value.grad().defined()) passed.gradients.push_back(p.value.grad());
  return passed;
}

}  // namespace

TEST_CASE("exact precision switches TF32 and trials off and deterministic algorithms on, fast the reverse", "[cpu]") {
  const KeepSwitches keep;
  const at::Context& context = at::globalContext();
  for (const Precision precision : {Precision::exact, Precision::fast, Precision::exact}) {
    const bool is_exact = precision == Precision::exact;
    set_precision(precision);
    INFO(name_of(precision));
    CHECK(boxseg::precision() == precision);
    CHECK(context.deterministicAlgorithms() == is_exact);
    CHECK_FALSE(context.deterministicAlgorithmsWarnOnly());
    CHECK_FALSE(context.deterministicFillUninitializedMemory());
    CHECK(context.deterministicCuDNN() == is_exact);
    CHECK(context.benchmarkCuDNN() == !is_exact);
    CHECK(context.allowTF32CuDNN() == !is_exact);
    CHECK(context.allowTF32CuBLAS() == !is_exact);
    CHECK(std::getenv("CUBLAS_WORKSPACE_CONFIG") != nullptr);
  }
}

TEST_CASE("a CPU is exact whatever was asked for, and other words are refused", "[cpu]") {
  CHECK(precision_on(at::kCPU, Precision::fast) == Precision::exact);
  CHECK(precision_on(at::Device(at::kCUDA, 0), Precision::fast) == Precision::fast);
  CHECK(parse_precision("fast") == Precision::fast);
  CHECK(test::usage_message_of([] { parse_precision("bf16"); }) == "--precision bf16: not one of exact, fast");
}

TEST_CASE("fast networks compute in bfloat16, hand on float32, and leave nothing switched", "[cpu]") {
  const KeepSwitches keep;
  const DevicePathEverywhere taken;  // a GPU takes the operators of this path
  Random random(0, "fast networks");
  const at::Tensor image = test::normal_tensor(random, {2, 3, 65, 65});
  for (const NetworkSpec& spec :
       {NetworkSpec{.backbone = "vgg16", .head = "largefov", .classes = 3},
        NetworkSpec{.backbone = "resnet101", .head = "aspp", .classes = 3},
        NetworkSpec{.backbone = "efficientnet_lite0", .classes = 3}, NetworkSpec{.backbone = "tiny", .classes = 3}}) {
    INFO(spec.backbone);
    set_precision(Precision::exact);
    const Passed exact = pass_through(spec, image);
    set_precision(Precision::fast);
    const Passed fast = pass_through(spec, image);
    CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
    REQUIRE(fast.features.scalar_type() == at::kFloat);
    REQUIRE(fast.features.sizes() == exact.features.sizes());
    const double error = test::error_of(fast.features, exact.features.to(at::kDouble));
    CHECK(error > 1e-6);  // shows that it was another arithmetic
    CHECK(error < 0.1);
    REQUIRE(fast.gradients.size() == exact.gradients.size());
    for (const at::Tensor& gradient : fast.gradients) {
      CHECK(gradient.scalar_type() == at::kFloat);
      CHECK(gradient.isfinite().all().item<bool>());
    }
  }
}

}  // namespace boxseg
