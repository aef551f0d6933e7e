// Computes the scores of a segmentation network: cosines of features and class weights.
#pragma once
#include <ATen/core/Tensor.h>

namespace boxseg {

// Returns [N,K,h,w] for features [N,C,h,w] and weight [K,C,1,1] or [K,C], differentiable in both. A cell without any
// feature has score 0 and no gradient (the authors' F.normalize divides by 1e-12 there, which in their networks a ReLU
// blocks). On the CPU nothing as large as the features is made but their gradient; the bits are equal for any number of
// threads.
at::Tensor cosine_scores(const at::Tensor& features, const at::Tensor& weight);

}  // namespace boxseg
