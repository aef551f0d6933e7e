#include <string>
#include <utility>
#include <vector>

#include "common/networks/aspp.h"
#include "common/networks/backbones.h"
#include "common/networks/layers.h"
#include "common/ops/relu_max_pool.h"

namespace boxseg {
namespace {

constexpr double kEps = 1e-5;
// This is momentum in torch's sense: the running value is almost replaced at each step, as the authors have it.
constexpr double kMomentum = 0.999;
constexpr int64_t kStemChannels = 64;

struct Stage {
  int64_t blocks, inner, stride, dilation;
};
constexpr Stage kStages[] = {{3, 64, 1, 1}, {4, 128, 2, 1}, {23, 256, 1, 2}, {3, 512, 1, 4}};
constexpr int64_t kExpansion = 4;

struct ConvNorm {
  Conv conv;
  BatchNorm norm;
  at::Tensor operator()(const at::Tensor& x, bool with_batch_statistics) const {
    return norm(conv(x), with_batch_statistics);
  }
};

struct Block {
  ConvNorm reduce, conv3x3, increase, shortcut;
  bool has_shortcut = false;  // a projection; without it the input itself is the shortcut
};

class Resnet101 : public Network {
 public:
  Resnet101(NetworkSpec spec, const Filling& filling) : Network(std::move(spec)) {
    LayerMaker make(filling, parameters_, buffers_, order_);
    const auto conv_norm = [&](const std::string& name, int64_t in, int64_t out, int64_t kernel,
                               LayerMaker::ConvOptions options) {
      options.has_bias = false;
      ConvNorm layer;
      layer.conv = make.conv(name + ".conv", in, out, kernel, options);
      layer.norm = make.batch_norm(name + ".bn", out, kEps, kMomentum);
      return layer;
    };
    stem_ = conv_norm("backbone.layer1.conv1", 3, kStemChannels, 7, {.stride = 2, .padding = 3});
    int64_t channels = kStemChannels;
    for (size_t s = 0; s < std::size(kStages); ++s) {
      const Stage& stage = kStages[s];
      for (int64_t b = 0; b < stage.blocks; ++b) {
        const std::string name = "backbone.layer" + std::to_string(s + 2) + ".block" + std::to_string(b + 1);
        // The stride is in the first 1x1, as in the Caffe original.
        const int64_t stride = b == 0 ? stage.stride : 1;
        Block block;
        block.reduce = conv_norm(name + ".reduce", channels, stage.inner, 1, {.stride = stride});
        block.conv3x3 = conv_norm(name + ".conv3x3", stage.inner, stage.inner, 3,
                                  {.padding = stage.dilation, .dilation = stage.dilation});
        block.increase = conv_norm(name + ".increase", stage.inner, kExpansion * stage.inner, 1, {});
        block.has_shortcut = b == 0;
        if (block.has_shortcut)
          block.shortcut = conv_norm(name + ".shortcut", channels, kExpansion * stage.inner, 1, {.stride = stride});
        blocks_.push_back(block);
        channels = kExpansion * stage.inner;
      }
    }
    // In the authors' two groups, all of the backbone learns at the rate itself, batch norm and biases too, with decay.
    for (Parameter& p : parameters_) p.group = ParameterGroup::backbone_weight;
    head_.make(make, channels, spec_.output_stride);
    add_classifier(make, Aspp::kFeatures);
    normalisation_ = parse_normalisation("caffe_bgr");
  }

 private:
  at::Tensor compute_features(const at::Tensor& input, const Pass& pass) override {
    const bool with_batch_statistics = pass.is_training && !pass.freeze_backbone && !pass.freeze_bn;
    const auto activated = [&](const ConvNorm& layer, const at::Tensor& x) {
      return interruptible(layer(x, with_batch_statistics).relu_(), pass);
    };
    at::Tensor x = relu_max_pool_rounded_up(interruptible(stem_(input, with_batch_statistics), pass));
    for (const Block& block : blocks_) {
      at::Tensor y = activated(block.conv3x3, activated(block.reduce, x));
      y = block.increase(y, with_batch_statistics);
      y = y + (block.has_shortcut ? block.shortcut(x, with_batch_statistics) : x);
      x = interruptible(y.relu_(), pass);
    }
    return head_(x, pass);
  }

  ConvNorm stem_;
  std::vector<Block> blocks_;
  Aspp head_;
};

}  // namespace

std::unique_ptr<Network> make_resnet101(const NetworkSpec& spec, const Filling& filling) {
  return std::make_unique<Resnet101>(spec, filling);
}

}  // namespace boxseg
