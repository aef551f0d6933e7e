// The end of a head: ReLU, and channels dropped while training.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include "common/ops/pass.h"

namespace boxseg {

// relu(x) of x [N,C,h,w], which x is overwritten with; while training times 0 or 2 (probability 0.5) for each channel
// of each image, decided by (pass.seed, layer, pass.step, image key): neither the batch's order nor its cut into
// micro-batches matters.
at::Tensor relu_dropout2d(const at::Tensor& x, const std::string& layer, const Pass& pass);

}  // namespace boxseg
