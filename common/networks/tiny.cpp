#include <utility>
#include <vector>

#include "common/networks/backbones.h"
#include "common/networks/layers.h"

namespace boxseg {
namespace {

constexpr int64_t kFeatures = 64;

class Tiny : public Network {
 public:
  Tiny(NetworkSpec spec, const Filling& filling) : Network(std::move(spec)) {
    LayerMaker make(filling, parameters_, buffers_, order_);
    convolutions_.push_back(make.conv("backbone.conv1", 3, 16, 3, {.stride = 2, .padding = 1}));
    convolutions_.push_back(make.conv("backbone.conv2", 16, 32, 3, {.stride = 2, .padding = 1}));
    convolutions_.push_back(make.conv("backbone.conv3", 32, 32, 3, {.padding = 1}));
    convolutions_.push_back(make.conv("backbone.conv4", 32, kFeatures, 3, {.padding = 2, .dilation = 2}));
    if (spec_.head == "largefov")
      convolutions_.push_back(make.conv("backbone.fc6", kFeatures, kFeatures, 3, {.padding = 4, .dilation = 4}));
    add_classifier(make, kFeatures);
    normalisation_ = parse_normalisation("lite0_rgb");
  }

 private:
  at::Tensor compute_features(const at::Tensor& input, const Pass& pass) override {
    at::Tensor x = input;
    for (const Conv& conv : convolutions_) x = interruptible(conv(x).relu_(), pass);
    return x;
  }

  std::vector<Conv> convolutions_;
};

}  // namespace

std::unique_ptr<Network> make_tiny(const NetworkSpec& spec, const Filling& filling) {
  return std::make_unique<Tiny>(spec, filling);
}

}  // namespace boxseg
