// Does background-aware pooling (BANA, section 3.1): a box is pooled with weights that say how little a point looks
// like the image's background.
//
//
//   query    q_j = mean of f over the background cells of grid cell j
//   weight   1 - A(p), A(p) = mean_j relu(cos(F(p), q_j)) at sampled points p of a box, F = bilinear(f)
//   vectors  per box and window: sum of (1 - A) F / sum of (1 - A)
//
// Values and gradients are those of the authors' Labeler (gradients flow through attention, queries and norms), made
// without a loop over boxes that touches channels:
//   F(p)·q   = bilinear of the maps D = q·f (one matrix product per image)
//   |F(p)|^2 = from five Gram maps
//   vectors  = a pooling matrix [R*roi*roi, h*w] (bilinear weight times 1 - A) times f
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "stage1_classify/bap_plan.h"

namespace boxseg {

struct BapResult {
  at::Tensor box_vectors;  // [R*roi*roi, C], windows of a box row-major
  at::Tensor queries;      // [N*grid*grid, C], 0 where a grid cell has no background
  at::Tensor attention;    // [S], 1 - A per sample; box r is plan.boxes[r].rows x cols from .sample on; no gradient
};

// features: [N,C,h,w] float32 or float64, CPU or CUDA, as the plan says. The result is differentiable with respect to
// features.
BapResult background_aware_pooling(const at::Tensor& features, std::shared_ptr<const BapPlan> plan);

}  // namespace boxseg
