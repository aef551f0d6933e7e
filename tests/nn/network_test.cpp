#include "common/networks/network.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/networks/efficientnet_lite0.h"
#include "tests/nn/tensors.h"
#include "tests/support/failure.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

at::Tensor pattern(at::IntArrayRef shape) {
  return at::arange(c10::multiply_integers(shape), at::kFloat).mul_(0.7).sin_().view(shape);
}

NamedTensors copies(const NamedTensors& tensors) {
  NamedTensors result;
  for (const auto& [name, value] : tensors) result.emplace_back(name, value.clone());
  return result;
}

bool are_equal(const NamedTensors& a, const NamedTensors& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].first != b[i].first || !at::equal(a[i].second, b[i].second)) return false;
  return true;
}

struct Case {
  NetworkSpec spec;
  int64_t channels, stride;
};
// Keeps to one thread: small tensors are no faster on several, and on a busy machine much slower.
struct OneThread {
  const int threads = at::get_num_threads();
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(threads); }
};

std::vector<Case> small_networks() {
  return {{{.backbone = "tiny", .head = "plain", .classes = 4}, 64, 4},
          {{.backbone = "tiny", .head = "largefov", .classes = 4}, 64, 4},
          {{.backbone = "efficientnet_lite0", .head = "plain", .classes = 4}, 256, 16},
          {{.backbone = "efficientnet_lite0", .head = "plain", .classes = 4, .output_stride = 8}, 256, 8},
          {{.backbone = "efficientnet_lite0", .head = "aspp", .classes = 4}, 256, 16},
          {{.backbone = "efficientnet_lite0", .head = "largefov", .classes = 4, .output_stride = 32}, 256, 32}};
}

}  // namespace

TEST_CASE("features have a cell for each stride of the input, rounded up", "[network]") {
  const OneThread one_thread;
  const at::NoGradGuard no_grad;
  for (const Case& c : small_networks()) {
    const auto network = make_network(c.spec, 0);
    CHECK(network->spec().output_stride == c.stride);
    CHECK(network->feature_channels() == c.channels);
    for (const auto& [height, width] : std::vector<std::pair<int64_t, int64_t>>{{33, 64}, {97, 50}, {1, 1}, {8, 121}}) {
      const at::Tensor features = network->features(pattern({2, 3, height, width}), {});
      INFO(c.spec.backbone << " " << c.spec.head << " " << height << "x" << width);
      CHECK(features.sizes() ==
            at::IntArrayRef({2, c.channels, (height + c.stride - 1) / c.stride, (width + c.stride - 1) / c.stride}));
      CHECK(features.is_contiguous());
      CHECK(features.min().item<float>() >= 0);
    }
  }
}

TEST_CASE("a state_dict lists each tensor once and ends with the classifier", "[network]") {
  for (const Case& c : small_networks()) {
    const auto network = make_network(c.spec, 0);
    std::set<std::string> names;
    const NamedTensors state = network->state_dict();
    for (const auto& [name, value] : state) CHECK(names.insert(name).second);
    CHECK(state.size() == network->parameters().size() + network->buffers().size());
    CHECK(state.back().first == "classifier.weight");
    CHECK(state.back().second.sizes() == at::IntArrayRef({4, c.channels, 1, 1}));
  }
}

TEST_CASE("fresh weights follow from the seed and the name", "[network]") {
  const NetworkSpec spec{.backbone = "efficientnet_lite0", .classes = 5, .classifier_std = 0.1};
  const auto a = make_network(spec, 7), b = make_network(spec, 7), other = make_network(spec, 8);
  CHECK(are_equal(a->state_dict(), b->state_dict()));
  CHECK_FALSE(at::equal(a->classifier_weight(), other->classifier_weight()));
  // Another head changes only what belongs to the head.
  NetworkSpec with_head = spec;
  with_head.head = "largefov";
  CHECK(at::equal(tensor_named(*make_network(with_head, 7), "backbone._conv_stem.weight"),
                  tensor_named(*a, "backbone._conv_stem.weight")));
  const auto std_of = [&](const std::string& name) { return tensor_named(*a, name).std(true).item<double>(); };
  CHECK(std_of("classifier.weight") == Approx(0.1).epsilon(0.1));
  CHECK(std_of("backbone.project.weight") == Approx(std::sqrt(2.0 / 320)).epsilon(0.02));
  CHECK(std_of("backbone._blocks.9._depthwise_conv.weight") == Approx(std::sqrt(2.0 / 25)).epsilon(0.02));
  CHECK(tensor_named(*a, "backbone.project.bias").abs().max().item<float>() == 0);
}

TEST_CASE("a wrong specification is a usage error that lists what there is", "[network]") {
  Failure failure = failure_of([] { make_network({.backbone = "resnet50"}, 0); });
  CHECK(failure.kind == ErrorKind::usage);
  CHECK_THAT(failure.message, Contains("resnet50") && Contains("vgg16, resnet101, efficientnet_lite0, tiny"));
  failure = failure_of([] { make_network({.backbone = "vgg16", .output_stride = 16}, 0); });
  CHECK(failure.kind == ErrorKind::usage);
  CHECK_THAT(failure.message, Contains("--output-stride 16"));
  failure = failure_of([] { make_network({.backbone = "tiny", .head = "aspp"}, 0); });
  CHECK(failure.kind == ErrorKind::usage);
  CHECK_THAT(failure.message, Contains("tiny has plain, largefov"));
  CHECK(failure_of([] { make_network({.classes = 1}, 0); }).kind == ErrorKind::usage);
  CHECK(failure_of([] { make_network({.classes = 256}, 0); }).kind == ErrorKind::usage);
  CHECK(failure_of([] { make_network({.classifier_std = 0}, 0); }).kind == ErrorKind::usage);
}

TEST_CASE("weights of another network are refused, with the names", "[network]") {
  const auto network = make_network({.backbone = "tiny", .classes = 4}, 0);
  NamedTensors state = copies(network->state_dict());
  const at::Tensor before = network->parameters()[0].value.detach().clone();
  state[0].second.add_(1);
  state[1].first = "backbone.stranger";
  state.back().second = at::zeros({9, 64, 1, 1});
  const Failure failure = failure_of([&] { network->load_state_dict(state, "weights.pt"); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("weights.pt") && Contains("missing: backbone.conv1.bias") &&
                                  Contains("unexpected: backbone.stranger") &&
                                  Contains("classifier.weight is [9,64,1,1] instead of [4,64,1,1]"));
  CHECK(at::equal(network->parameters()[0].value, before));  // nothing was half-loaded
}

TEST_CASE("a frozen backbone learns nothing and its statistics stay", "[network]") {
  const OneThread one_thread;
  const auto network = make_network({.classes = 4}, 0);
  const NamedTensors before = copies(network->state_dict());
  Pass pass = training_pass({1, 2});
  pass.freeze_backbone = true;
  network->features(pattern({2, 3, 64, 64}), pass).sum().backward();
  for (const Parameter& p : network->parameters()) {
    const bool is_new = p.name == "backbone.project.weight" || p.name == "backbone.project.bias";
    CHECK(p.value.grad().defined() == is_new);
  }
  CHECK(are_equal(network->state_dict(), before));
  // The features must be the same as without gradients.
  at::NoGradGuard no_grad;
  auto& lite0 = dynamic_cast<EfficientNetLite0&>(*network);
  CHECK(at::equal(lite0.trunk(pattern({2, 3, 64, 64}), pass), lite0.trunk(pattern({2, 3, 64, 64}), {})));
}

TEST_CASE("frozen batch norm keeps statistics and parameters, the rest learns", "[network]") {
  const OneThread one_thread;
  const auto network = make_network({.classes = 4}, 0);
  const NamedTensors before = copies(network->buffers());
  Pass pass = training_pass({1, 2});
  pass.freeze_bn = true;
  network->features(pattern({2, 3, 64, 64}), pass).sum().backward();
  for (const Parameter& p : network->parameters())
    if (p.name != "classifier.weight") CHECK(p.value.grad().defined() == !p.is_batch_norm);
  CHECK(are_equal(network->buffers(), before));
  pass.freeze_bn = false;
  network->features(pattern({2, 3, 64, 64}), pass);
  CHECK_FALSE(are_equal(network->buffers(), before));
  CHECK(tensor_named(*network, "backbone._bn0.num_batches_tracked").item<int64_t>() == 1);
}

TEST_CASE("the folded network equals the layers for any size, stride, batch and number of threads",
          "[network][lite0]") {
  const OneThread one_thread;  // holds except where the folded network runs
  const at::NoGradGuard no_grad;
  for (const int64_t stride : {8, 16}) {
    EfficientNetLite0 network(NetworkSpec{.classes = 4, .output_stride = stride}, {.seed = 3});
    fill_by_formula(network);
    for (const auto& shape :
         std::vector<std::vector<int64_t>>{{1, 3, 75, 50}, {3, 3, 64, 33}, {2, 3, 1, 1}, {1, 3, 2, 120}}) {
      std::vector<at::Tensor> taps;
      const at::Tensor input = pattern(shape), layers = network.trunk(input, {}, &taps);
      for (const int count : {1, 2, 3}) {
        at::set_num_threads(count);
        const at::Tensor folded = network.trunk(input, {});
        INFO("stride " << stride << ", " << shape[0] << "x" << shape[2] << "x" << shape[3] << ", " << count
                       << " threads");
        REQUIRE(folded.sizes() == layers.sizes());
        CHECK((folded - layers).abs().max().item<double>() <= 2e-5 * layers.abs().max().item<double>());
        CHECK(at::equal(folded, network.trunk(input, {})));
      }
      at::set_num_threads(1);
    }
  }
}

TEST_CASE("the folded network follows its weights and serves inference mode and training in turn", "[network][lite0]") {
  const OneThread one_thread;
  const auto network = make_network({.classes = 4}, 0);
  Pass frozen = training_pass({1});
  frozen.freeze_backbone = true;
  const at::Tensor input = pattern({1, 3, 48, 48});
  at::Tensor first;
  {
    const c10::InferenceMode inference;
    first = network->features(input.clone(), {}).clone();
  }
  network->features(input, frozen).sum().backward();  // inference tensors must not reach autograd
  const at::NoGradGuard no_grad;
  CHECK(at::equal(network->features(input, {}), first));
  tensor_named(*network, "backbone._blocks.3._bn1.running_mean").add_(1);
  CHECK_FALSE(at::equal(network->features(input, {}), first));
  network->load_state_dict(make_network({.classes = 4}, 0)->state_dict(), "fresh");
  CHECK(at::equal(network->features(input, {}), first));
}

TEST_CASE("gradients of the layers are those of finite differences", "[network]") {
  // The gradient goes through tiny, in double: convolution, ReLU, dropout.
  const auto network = make_network({.backbone = "tiny", .classes = 3}, 5);
  for (Parameter& p : network->parameters()) {
    const at::NoGradGuard no_grad;
    p.value.set_data(p.value.to(at::kDouble));
  }
  const at::Tensor input = pattern({1, 3, 17, 19}).to(at::kDouble);
  const auto loss = [&] { return network->features(input, training_pass({9})).square().sum(); };
  loss().backward();
  for (Parameter& p : network->parameters()) {
    if (p.name == "classifier.weight") continue;
    const at::Tensor gradient = p.value.grad();
    const at::NoGradGuard no_grad;
    for (const int64_t i : {int64_t{0}, p.value.numel() / 2, p.value.numel() - 1}) {
      at::Tensor entry = p.value.view(-1)[i];
      const double step = 1e-6, old = entry.item<double>();
      entry.fill_(old + step);
      const double up = loss().item<double>();
      entry.fill_(old - step);
      const double down = loss().item<double>();
      entry.fill_(old);
      INFO(p.name << " entry " << i);
      CHECK(gradient.view(-1)[i].item<double>() == Approx((up - down) / (2 * step)).epsilon(1e-4).margin(1e-6));
    }
  }
}
