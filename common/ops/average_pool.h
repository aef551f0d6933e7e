// Takes the mean over 3 x 3 windows with which VGG's DeepLab smooths its last stage.
#pragma once
#include <ATen/core/Tensor.h>

namespace boxseg {

// Returns avg_pool2d(x, 3, stride 1, padding 1) of x [N,C,h,w]: [N,C,h,w]. Zeros beyond the border are counted.
at::Tensor average_pool(const at::Tensor& x);

}  // namespace boxseg
