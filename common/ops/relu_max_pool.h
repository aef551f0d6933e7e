// Does ReLU and a maximum over windows in one step, as VGG ends each of its stages.
#pragma once
#include <ATen/core/Tensor.h>

namespace boxseg {

// Returns max_pool2d(relu(x), 3, stride, padding 1) of x [N,C,h,w]: [N,C,(h-1)/stride+1,(w-1)/stride+1], with equal
// bits and the same gradient: of equal values the first in the window receives it, row by row. The rectified x is never
// stored, only a byte per output for the way back. The bits are equal on every device and in every run, where
// LibTorch's own way back on a GPU depends on the order of threads. In half precision it is LibTorch's.
at::Tensor relu_max_pool(const at::Tensor& x, int64_t stride);

// Does the same where the last window may reach beyond x, as Caffe's: max_pool2d(relu(x), 3, 2, padding 1, ceil_mode).
at::Tensor relu_max_pool_rounded_up(const at::Tensor& x);

}  // namespace boxseg
