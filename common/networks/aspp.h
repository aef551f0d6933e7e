// This is head `aspp` of DeepLab-v2: four 3x3 convolutions with dilations 6, 12, 18, 24 (cells of 8 pixels), summed,
// ReLU.
#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <string>

#include "common/networks/layers.h"

namespace boxseg {

struct Aspp {
  static constexpr int64_t kFeatures = 256;
  std::array<Conv, 4> branches;  // c1..c4, without bias

  void make(LayerMaker& maker, int64_t channels, int64_t output_stride) {
    for (size_t i = 0; i < branches.size(); ++i) {
      const int64_t reach = 6 * static_cast<int64_t>(i + 1) * 8 / output_stride;
      branches[i] = maker.conv("c" + std::to_string(i + 1), channels, kFeatures, 3,
                               {.padding = reach, .dilation = reach, .has_bias = false, .is_scratch = true});
    }
  }

  // [N,channels,h,w] -> [N,256,h,w]
  at::Tensor operator()(const at::Tensor& x, const Pass& pass) const {
    at::Tensor sum = interruptible(branches[0](x), pass);
    for (size_t i = 1; i < branches.size(); ++i) sum = interruptible(sum + branches[i](x), pass);
    return sum.relu_();
  }
};

}  // namespace boxseg
