// 3x3 convolutions that learn faster on the CPU: their backward pass is done by Winograd's minimal filtering
// (winograd_tiles.h) and LibTorch's matrix products, with less than half of the multiplications. The forward pass is
// LibTorch's own: with Winograd's, losses would differ from the authors' by more than float32 makes them.
#pragma once
#include <ATen/core/Tensor.h>

namespace boxseg {

// Whether Winograd's backward pass takes such a convolution and is faster: float32 on the CPU, 3x3, not grouped, stride
// 1, enough channels, and not mostly tiles that reach beyond the map, as large dilations make them.
bool suits_winograd(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding, int64_t dilation,
                    int64_t groups);

// conv2d(x [N,C,h,w], weight [K,C,3,3], bias [K] or undefined, stride 1, padding = dilation): [N,K,h,w]. The number of
// threads does not change a bit of the gradients.
at::Tensor convolution_with_winograd_gradients(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                               int64_t dilation);

}  // namespace boxseg
