// ReLU and maximum over windows in one step, as VGG ends each of its stages.
#pragma once
#include <ATen/core/Tensor.h>

namespace boxseg {

// max_pool2d(relu(x), 3, stride, padding 1) of x [N,C,h,w]: [N,C,(h-1)/stride+1,(w-1)/stride+1], equal bits, and the
// same gradient: of equal values the first in the window receives it, row by row. On the CPU the rectified x is never
// stored, only a byte per output for the way back.
at::Tensor relu_max_pool(const at::Tensor& x, int64_t stride);

}  // namespace boxseg
