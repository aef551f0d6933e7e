#include <string>
#include <utility>
#include <vector>

#include "common/networks/backbones.h"
#include "common/networks/layers.h"
#include "common/ops/average_pool.h"
#include "common/ops/relu_dropout.h"
#include "common/ops/relu_max_pool.h"

namespace boxseg {
namespace {

struct Stage {
  int64_t convolutions, channels, dilation, pool_stride;
};
constexpr Stage kStages[] = {{2, 64, 1, 2}, {2, 128, 1, 2}, {3, 256, 1, 2}, {3, 512, 1, 1}, {3, 512, 2, 1}};
constexpr int64_t kFcChannels = 1024;

class Vgg16 : public Network {
 public:
  Vgg16(NetworkSpec spec, const Filling& filling) : Network(std::move(spec)) {
    LayerMaker make(filling, parameters_, buffers_, order_);
    int64_t channels = 3;
    for (size_t s = 0; s < std::size(kStages); ++s) {
      const Stage& stage = kStages[s];
      for (int64_t i = 0; i < stage.convolutions; ++i) {
        const std::string name = "backbone.conv" + std::to_string(s + 1) + "_" + std::to_string(i + 1);
        convolutions_[s].push_back(
            make.conv(name, channels, stage.channels, 3, {.padding = stage.dilation, .dilation = stage.dilation}));
        channels = stage.channels;
      }
    }
    const int64_t dilation = spec_.head == "largefov" ? 12 : 1;
    fc6_ = make.conv("backbone.fc6", channels, kFcChannels, 3, {.padding = dilation, .dilation = dilation});
    fc7_ = make.conv("backbone.fc7", kFcChannels, kFcChannels, 1, {});
    add_classifier(make, kFcChannels);
    normalisation_ = parse_normalisation("caffe_bgr");
  }

 private:
  at::Tensor compute_features(const at::Tensor& input, const Pass& pass) override {
    at::Tensor x = input;
    for (size_t s = 0; s < std::size(kStages); ++s) {
      const std::vector<Conv>& convolutions = convolutions_[s];
      // ReLU works in place: a convolution's backward pass does not need its own output.
      for (size_t i = 0; i < convolutions.size(); ++i)
        x = interruptible(i == 0 ? convolutions[i](x) : convolutions[i].of_relu(x), pass);
      x = relu_max_pool(x, kStages[s].pool_stride);
    }
    x = average_pool(x);
    x = relu_dropout2d(interruptible(fc6_(x), pass), "fc6", pass);
    return relu_dropout2d(interruptible(fc7_(x), pass), "fc7", pass);
  }

  std::vector<Conv> convolutions_[std::size(kStages)];
  Conv fc6_, fc7_;
};

}  // namespace

std::unique_ptr<Network> make_vgg16(const NetworkSpec& spec, const Filling& filling) {
  return std::make_unique<Vgg16>(spec, filling);
}

}  // namespace boxseg
