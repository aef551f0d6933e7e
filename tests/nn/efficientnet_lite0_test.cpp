#include "common/networks/efficientnet_lite0.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "common/io/hdf5.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;
namespace fs = std::filesystem;

namespace {

// Returns where the ImageNet weights are: BOXSEG_LITE0_WEIGHTS, else where the set-up puts them.
fs::path lite0_weights() {
  if (const char* named = std::getenv("BOXSEG_LITE0_WEIGHTS"); named != nullptr && *named != '\0') return named;
  return fs::path(BOXSEG_SOURCE_DIR) / ".deps/weights/efficientnet_lite0.pth";
}

#define WEIGHTS_OR_SKIP(name)                                                                \
  const fs::path name = lite0_weights();                                                     \
  if (!fs::exists(name)) {                                                                   \
    boxseg::test::skip("no EfficientNet-Lite0 weights: BOXSEG_LITE0_WEIGHTS or the set-up"); \
    return;                                                                                  \
  }                                                                                          \
  static_assert(true)

std::unique_ptr<EfficientNetLite0> pretrained(const fs::path& weights, int64_t output_stride) {
  auto network = std::make_unique<EfficientNetLite0>(NetworkSpec{.output_stride = output_stride}, Filling{.seed = 0});
  load_initial_weights(*network, weights);
  return network;
}

// Puts the ImageNet head of the file on our trunk: 1x1 to 1280, batch norm, ReLU6, mean, 1000 classes.
at::Tensor imagenet_logits(const NamedTensors& file, const at::Tensor& trunk, at::Tensor* head) {
  const auto get = [&](const std::string& name) {
    for (const auto& [key, value] : file)
      if (key == name) return value;
    throw std::runtime_error(name);
  };
  at::Tensor x = at::conv2d(trunk, get("_conv_head.weight"));
  x = at::batch_norm(x, get("_bn1.weight"), get("_bn1.bias"), get("_bn1.running_mean"), get("_bn1.running_var"), false,
                     0.01, 1e-3, true);
  *head = at::relu6(x);
  return at::linear(head->mean({2, 3}), get("_fc.weight"), get("_fc.bias"))[0];
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

void require_golden(const H5Reader& golden, const std::string& group, const fs::path& weights, int64_t output_stride,
                    const at::Tensor& input) {
  at::NoGradGuard no_grad;
  const auto network = pretrained(weights, output_stride);
  std::vector<at::Tensor> taps;
  const at::Tensor layered = network->trunk(input, {}, &taps);
  const std::vector<double> stats = golden.read<double>(group + "/layer_stats");
  const std::vector<std::string> layers = golden.read_strings(group + "/layers");
  REQUIRE(taps.size() == 17);
  REQUIRE(layers.size() == 18);
  for (size_t i = 0; i < taps.size(); ++i) {
    const std::string name = layers[i].substr(0, layers[i].find(' '));
    INFO(group << " " << layers[i]);
    const double largest = stats[3 * i + 1];
    CHECK(std::abs(taps[i].mean().item<double>() - stats[3 * i]) <= 2e-5 * largest);
    CHECK(taps[i].abs().max().item<double>() == Approx(largest).epsilon(2e-5));
    const std::string dataset = group + "/" + name;
    if (!golden.has(dataset)) continue;
    const at::Tensor stored = read_tensor(golden, dataset);
    const at::Tensor found = taps[i][0].slice(0, 0, stored.size(0));
    REQUIRE(found.sizes() == stored.sizes());
    CHECK((found - stored).abs().max().item<double>() <= 2e-5 * largest);
  }
  at::Tensor head;
  const NamedTensors file = read_checkpoint(weights).tensors;
  const at::Tensor logits = read_tensor(golden, group + "/logits");
  CHECK(relative_error(imagenet_logits(file, layered, &head), logits) <= 5e-5);
  CHECK(head.abs().max().item<double>() == Approx(stats[3 * 17 + 1]).epsilon(2e-5));

  // Frozen networks take this form.
  const at::Tensor folded = network->trunk(input, {});
  CHECK((folded - layered).abs().max().item<double>() <= 2e-5 * stats[3 * 16 + 1]);
  CHECK(relative_error(imagenet_logits(file, folded, &head), logits) <= 5e-5);
}

}  // namespace

TEST_CASE("EfficientNet-Lite0 gives the package's outputs, layer by layer and folded", "[golden][lite0]") {
  SHARED_OR_SKIP(shared);
  WEIGHTS_OR_SKIP(weights);
  const H5Reader golden(shared / "golden/efficientnet_lite0.h5");
  const at::Tensor input = read_tensor(golden, "in/input").unsqueeze(0);
  require_golden(golden, "same_161x241", weights, 32, input);
  require_golden(golden, "stride16_same_161x241", weights, 16, input);
  const at::Tensor even = input.slice(2, 0, 160).slice(3, 0, 240).contiguous();
  require_golden(golden, "same_160x240", weights, 32, even);
}

namespace {

// Names paddings of the convolutions with stride 2 that we do not offer: (0,1) and (1,2) whatever the size, which the
// package fixes for images of 224 when it is built, or (k-1)/2 on both sides.
enum class OtherPadding { fixed_for_224, symmetric };

at::Tensor convolved(const Conv& conv, const at::Tensor& input, OtherPadding padding) {
  const ConvolutionGeometry& g = conv.geometry;
  const int64_t reach = g.dilation * (conv.kernel() - 1);
  const int64_t total = g.stride == 2 && padding == OtherPadding::fixed_for_224 ? reach - 1 : reach, before = total / 2,
                after = total - before;
  return at::conv2d(at::constant_pad_nd(input, {before, after, before, after}), conv.weight, at::Tensor(),
                    at::IntArrayRef(g.stride), at::IntArrayRef({0, 0}), at::IntArrayRef(g.dilation), g.groups);
}

at::Tensor trunk_with(const EfficientNetLite0& network, const at::Tensor& input, OtherPadding padding) {
  at::Tensor x = at::relu6(network.stem_norm()(convolved(network.stem(), input, padding), false));
  for (const auto& block : network.blocks()) {
    at::Tensor y = block.has_expansion ? at::relu6(block.norm0(block.expand(x), false)) : x;
    y = at::relu6(block.norm1(convolved(block.depthwise, y, padding), false));
    y = block.norm2(block.project(y), false);
    x = block.has_skip ? x + y : y;
  }
  return x;
}

}  // namespace

TEST_CASE("EfficientNet-Lite0 with the paddings it could have is what the package makes of them, and not ours",
          "[golden][lite0]") {
  SHARED_OR_SKIP(shared);
  WEIGHTS_OR_SKIP(weights);
  const H5Reader golden(shared / "golden/efficientnet_lite0.h5");
  const at::NoGradGuard no_grad;
  const at::Tensor input = read_tensor(golden, "in/input").unsqueeze(0);
  const NamedTensors file = read_checkpoint(weights).tensors;
  struct Other {
    const char* group;
    int64_t output_stride;
    OtherPadding padding;
    const char* ours;
  };
  for (const Other& other : {Other{"static_224", 32, OtherPadding::fixed_for_224, "same_161x241"},
                             Other{"stride16_static_224", 16, OtherPadding::fixed_for_224, "stride16_same_161x241"},
                             Other{"symmetric_161x241", 32, OtherPadding::symmetric, "same_161x241"}}) {
    INFO(other.group);
    const auto network = pretrained(weights, other.output_stride);
    at::Tensor head;
    const at::Tensor logits = imagenet_logits(file, trunk_with(*network, input, other.padding), &head);
    CHECK(relative_error(logits, read_tensor(golden, std::string(other.group) + "/logits")) <= 5e-5);
    CHECK(relative_error(logits, read_tensor(golden, std::string(other.ours) + "/logits")) > 1e-3);
  }
}

TEST_CASE("EfficientNet-Lite0 normalises as its weights want", "[golden][lite0]") {
  SHARED_OR_SKIP(shared);
  const H5Reader golden(shared / "golden/efficientnet_lite0.h5");
  const EfficientNetLite0 network(NetworkSpec{.output_stride = 16}, {.seed = 0});
  const auto rgb = golden.read<uint8_t>("in/rgb");
  const Shape shape = golden.shape("in/rgb");
  const auto input = normalise(std::vector<float>(rgb.begin(), rgb.end()), shape[0], shape[1], network.normalisation());
  REQUIRE(input == golden.read<float>("in/input"));
}
