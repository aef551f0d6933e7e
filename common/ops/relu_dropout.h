// Ends a head: with ReLU, and with channels dropped while training.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include "common/ops/pass.h"

namespace boxseg {

// Returns relu(x) of x [N,C,h,w], which x is overwritten with; while training it is times 0 or 2 (probability 0.5) for
// each channel of each image. That is decided by (pass.seed, layer, pass.step, image key), so neither the batch's order
// nor its cut into micro-batches matters.
at::Tensor relu_dropout2d(const at::Tensor& x, const std::string& layer, const Pass& pass);

}  // namespace boxseg
