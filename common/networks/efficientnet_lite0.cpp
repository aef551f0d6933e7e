#include "common/networks/efficientnet_lite0.h"

#include <string>

#include "common/networks/backbones.h"
#include "common/networks/lite0/folded_lite0.h"
#include "common/ops/device_path.h"
#include "common/ops/relu_dropout.h"

namespace boxseg {
namespace {

constexpr double kEps = 1e-3, kMomentum = 0.01;
constexpr int64_t kStemChannels = 32;

struct BlockShape {
  int64_t expansion, out, kernel, stride;
};
constexpr BlockShape kBlocks[] = {
    {1, 16, 3, 1},  {6, 24, 3, 2},  {6, 24, 3, 1},  {6, 40, 5, 2},  {6, 40, 5, 1},  {6, 80, 3, 2},
    {6, 80, 3, 1},  {6, 80, 3, 1},  {6, 112, 5, 1}, {6, 112, 5, 1}, {6, 112, 5, 1}, {6, 192, 5, 2},
    {6, 192, 5, 1}, {6, 192, 5, 1}, {6, 192, 5, 1}, {6, 320, 3, 1},
};

}  // namespace

EfficientNetLite0::EfficientNetLite0(NetworkSpec spec, const Filling& filling) : Network(std::move(spec)) {
  LayerMaker make(filling, parameters_, buffers_, order_);
  const auto norm = [&](const std::string& name, int64_t channels) {
    return make.batch_norm(name, channels, kEps, kMomentum);
  };
  stem_ = make.conv("backbone._conv_stem", 3, kStemChannels, 3, {.stride = 2, .has_bias = false});
  stem_norm_ = norm("backbone._bn0", kStemChannels);
  int64_t channels = kStemChannels, reached_stride = 2, dilation = 1;
  for (size_t i = 0; i < std::size(kBlocks); ++i) {
    const BlockShape& shape = kBlocks[i];
    const std::string name = "backbone._blocks." + std::to_string(i);
    const bool drops_stride = shape.stride == 2 && reached_stride == spec_.output_stride;
    Block block;
    block.in = channels;
    block.out = shape.out;
    block.has_expansion = shape.expansion > 1;
    block.has_skip = shape.stride == 1 && channels == shape.out;
    const int64_t inner = channels * shape.expansion;
    if (block.has_expansion) {
      block.expand = make.conv(name + "._expand_conv", channels, inner, 1, {.has_bias = false});
      block.norm0 = norm(name + "._bn0", inner);
    }
    block.depthwise = make.conv(
        name + "._depthwise_conv", inner, inner, shape.kernel,
        {.stride = drops_stride ? 1 : shape.stride, .dilation = dilation, .groups = inner, .has_bias = false});
    block.norm1 = norm(name + "._bn1", inner);
    block.project = make.conv(name + "._project_conv", inner, shape.out, 1, {.has_bias = false});
    block.norm2 = norm(name + "._bn2", shape.out);
    blocks_.push_back(block);
    channels = shape.out;
    if (drops_stride)
      dilation *= 2;
    else
      reached_stride *= shape.stride;
  }
  if (spec_.head == "aspp") {
    aspp_.make(make, channels, spec_.output_stride);
  } else if (spec_.head == "largefov") {
    const int64_t reach = 96 / spec_.output_stride;
    head_ =
        make.conv("backbone.fc6", channels, kFeatures, 3, {.padding = reach, .dilation = reach, .is_scratch = true});
  } else {
    head_ = make.conv("backbone.project", channels, kFeatures, 1, {.is_scratch = true});
  }
  add_classifier(make, kFeatures);
  normalisation_ = parse_normalisation("lite0_rgb");
}

EfficientNetLite0::~EfficientNetLite0() = default;

at::Tensor EfficientNetLite0::block_output(const Block& block, const at::Tensor& input, bool with_batch_statistics,
                                           const Pass& pass) const {
  at::Tensor x = input, y;
  // ReLU6 works in place: batch norm's backward pass does not need its own output.
  if (block.has_expansion) {
    y = block.norm0(block.expand(x), with_batch_statistics);
    x = interruptible(at::relu6_(y), pass);
  }
  y = block.norm1(block.depthwise.same(x), with_batch_statistics);
  x = interruptible(at::relu6_(y), pass);
  x = block.norm2(block.project(x), with_batch_statistics);
  return block.has_skip ? x + input : x;
}

at::Tensor EfficientNetLite0::trunk(const at::Tensor& input, const Pass& pass, std::vector<at::Tensor>* taps) {
  const bool with_batch_statistics = pass.is_training && !pass.freeze_backbone && !pass.freeze_bn;
  const bool has_gradients = at::GradMode::is_enabled() && (!pass.freeze_backbone || input.requires_grad());
  if (!with_batch_statistics && !has_gradients && taps == nullptr && !takes_device_path(input) &&
      input.scalar_type() == at::kFloat) {
    interruptible(input, pass);
    if (folded_ == nullptr) folded_ = std::make_unique<FoldedLite0>();
    return folded_->forward(*this, input);
  }
  at::Tensor y = stem_norm_(stem_.same(input), with_batch_statistics);
  at::Tensor x = interruptible(at::relu6_(y), pass);
  if (taps != nullptr) taps->push_back(x);
  for (const Block& block : blocks_) {
    x = block_output(block, x, with_batch_statistics, pass);
    if (taps != nullptr) taps->push_back(x);
  }
  return x;
}

at::Tensor EfficientNetLite0::compute_features(const at::Tensor& input, const Pass& pass) {
  const at::Tensor x = trunk(input, pass);
  if (spec_.head == "aspp") return aspp_(x, pass);
  return relu_dropout2d(interruptible(head_(x), pass), "project", pass);
}

std::unique_ptr<Network> make_efficientnet_lite0(const NetworkSpec& spec, const Filling& filling) {
  return std::make_unique<EfficientNetLite0>(spec, filling);
}

}  // namespace boxseg
