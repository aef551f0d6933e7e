// Does the backward pass of 3x3 convolutions on the CPU by Winograd's minimal filtering (winograd_tiles.h) and
// LibTorch's matrix products, with less than half of the multiplications. The forward pass is left to LibTorch: with
// Winograd's, losses would differ from the authors' by more than float32 makes them.
#pragma once
#include <ATen/core/Tensor.h>

#include "common/ops/convolution_geometry.h"

namespace boxseg {

// True when Winograd's backward pass takes such a convolution and is faster: float32 on the CPU, 3x3, not grouped,
// stride 1, padding = dilation, enough channels, and not mostly tiles that reach beyond the map, as large dilations
// make them.
bool suits_winograd(const at::Tensor& x, const at::Tensor& weight, const ConvolutionGeometry& geometry);

// Both return a gradient of conv2d(x [N,C,h,w], weight [K,C,3,3], stride 1, padding = dilation), given that of its
// output, grad [N,K,h,w]; all are contiguous. The number of threads does not change a bit.
//
// This is the gradient of x: [N,C,h,w]; where `mask` [N,C,h,w] is defined, it is zero where that is not above zero.
at::Tensor winograd_input_gradient(const at::Tensor& weight, const at::Tensor& grad, int64_t dilation,
                                   const at::Tensor& mask);
// This is the gradient of the weight: [K,C,3,3].
at::Tensor winograd_weight_gradient(const at::Tensor& x, const at::Tensor& grad, int64_t dilation);

}  // namespace boxseg
