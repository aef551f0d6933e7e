// The frozen EfficientNet-Lite0 on a CPU: batch norm folded into the convolutions, activations as rows of channels
// (NHWC), so that 1x1 convolutions are matrix products, and depthwise convolutions by a kernel of our own
// (depthwise_kernel.h), whose cost does not depend on the dilation.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace boxseg {

class EfficientNetLite0;

class FoldedLite0 {
 public:
  // input: [N,3,H,W] float32 on the CPU. Returns [N,320,h,w]. Folds again when a weight has changed since the last call.
  at::Tensor forward(const EfficientNetLite0& network, const at::Tensor& input);

 private:
  struct Matrix {
    at::Tensor weight, bias;  // [in, out], [out]
  };
  struct Taps {
    at::Tensor weight, bias;  // [k*k, C], [C]
  };
  struct FoldedBlock {
    Matrix expand, project;
    Taps depthwise;
  };
  void fold(const EfficientNetLite0& network);

  std::vector<std::pair<const void*, int64_t>> folded_from_;  // data and version of every tensor
  at::Tensor stem_weight_, stem_bias_;
  std::vector<FoldedBlock> blocks_;
};

}  // namespace boxseg
