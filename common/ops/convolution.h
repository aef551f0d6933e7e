// Computes a convolution under autograd, with or without the ReLU before it.
#pragma once
#include <ATen/core/Tensor.h>

#include "common/ops/convolution_geometry.h"

namespace boxseg {

enum class Before { nothing, relu };

// Returns conv2d(x [N,C,h,w], weight [K,C/groups,k,k], bias [K] or undefined): [N,K,h',w']; with Before::relu it is
// that of relu(x), which x is overwritten with. On the CPU the backward pass is Winograd's where that is faster
// (winograd.h), and the gradient of x is masked where it lies, or while it is written, instead of being copied by a
// pass of ReLU's own. The output's bits are LibTorch's.
at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const ConvolutionGeometry& geometry, Before before);

}  // namespace boxseg
