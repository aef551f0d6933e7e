// Computes the stage-1 objective: what the classifier says of the pooled vectors of a batch, and its loss.
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "stage1_classify/bap.h"

namespace boxseg {

struct LabelerResult {
  BapResult pooled;
  at::Tensor logits;  // [R*roi*roi + V, K]: boxes first, windows row-major, then the queries of valid grid cells
  at::Tensor target;  // [R*roi*roi + V] int64: the box's class; 0 for queries
  at::Tensor loss;    // scalar: sum of softmax cross entropies / normaliser
};

// features: [N,C,h,w]; classifier_weight: [K,C,1,1] or [K,C]. normaliser: how many vectors the loss is the mean of; 0 =
// those of this call. A batch in parts gives each part the whole batch's number, so that the sum of the losses (and of
// the gradients) is that of the batch. Without any vector the loss is 0 with a zero gradient (the mean over nothing
// would be NaN). Throws `failed` when a box has a class that the classifier does not know.
// (and of the gradients) is that of the batch. Without any vector the loss is 0 with a zero gradient (the mean over
// nothing would be NaN). Throws `failed` when a box has a class that the classifier does not know.
LabelerResult label_batch(const at::Tensor& features, const at::Tensor& classifier_weight,
                          std::shared_ptr<const BapPlan> plan, int64_t normaliser = 0);

}  // namespace boxseg
