// This is EfficientNet-Lite0, the light backbone for machines without a GPU, with the names of the PyPI package
// efficientnet-lite-pytorch below "backbone.", so that its ImageNet weights fit. tests/README.md,
// efficientnet_lite0.h5, describes the arithmetic.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "common/networks/aspp.h"
#include "common/networks/layers.h"
#include "common/networks/network.h"

namespace boxseg {

class FoldedLite0;

// Output strides 16 and 8 are made by dilation: a block whose stride is dropped keeps the dilation of those before it,
// the blocks behind it double theirs (16: block 11 has stride 1, blocks 12-15 dilation 2). Head plain is a fresh 1x1 to
// 256 features, "backbone.project"; largefov is a fresh 3x3 to 256, "backbone.fc6", which reaches as far in the image
// as VGG's (12 cells of 8 pixels). Both have a bias, ReLU and Dropout2d 0.5. Head aspp: see aspp.h.
class EfficientNetLite0 : public Network {
 public:
  EfficientNetLite0(NetworkSpec spec, const Filling& filling);
  ~EfficientNetLite0() override;

  // Returns the 320 channels of the last block. `taps`, if given, receives the outputs of stem and blocks. Frozen batch
  // norm without gradients takes the folded form (folded_lite0.h) on CPUs; elsewhere, and with taps, it goes layer by
  // layer.
  at::Tensor trunk(const at::Tensor& input, const Pass& pass, std::vector<at::Tensor>* taps = nullptr);

  static constexpr int64_t kTrunkChannels = 320, kFeatures = 256;

  struct Block {
    int64_t in = 0, out = 0;
    bool has_expansion = false, has_skip = false;
    Conv expand, depthwise, project;
    BatchNorm norm0, norm1, norm2;  // behind expand, depthwise, project
  };
  const Conv& stem() const { return stem_; }
  const BatchNorm& stem_norm() const { return stem_norm_; }
  const std::vector<Block>& blocks() const { return blocks_; }

 protected:
  at::Tensor compute_features(const at::Tensor& input, const Pass& pass) override;

 private:
  at::Tensor block_output(const Block& block, const at::Tensor& input, bool with_batch_statistics,
                          const Pass& pass) const;

  // `head_` is unused with aspp.
  Conv stem_, head_;
  Aspp aspp_;
  BatchNorm stem_norm_;
  std::vector<Block> blocks_;
  std::unique_ptr<FoldedLite0> folded_;
};

}  // namespace boxseg
