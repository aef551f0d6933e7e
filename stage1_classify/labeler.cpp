#include "stage1_classify/labeler.h"

#include <utility>
#include <vector>

#include "common/base/error.h"

namespace boxseg {

LabelerResult label_batch(const at::Tensor& features, const at::Tensor& classifier_weight,
                          std::shared_ptr<const BapPlan> plan, int64_t normaliser) {
  const int64_t classes = classifier_weight.size(0);
  for (const int64_t c : plan->class_of_box)
    ensure(c >= 1 && c < classes, "a box has class {}, but the classifier knows 1 to {}", c, classes - 1);
  LabelerResult result;
  const std::vector<int64_t> target = plan->target();
  result.target = at::tensor(target, at::kLong).to(features.device());
  const at::Tensor valid = at::tensor(plan->valid_grid_ids, at::kLong).to(features.device());
  result.pooled = background_aware_pooling(features, std::move(plan));
  const at::Tensor vectors = at::cat({result.pooled.box_vectors, result.pooled.queries.index_select(0, valid)});
  result.logits = at::linear(vectors, classifier_weight.reshape({classes, -1}));
  const auto count = static_cast<int64_t>(target.size());
  if (count == 0) {
    result.loss = result.logits.sum();
    return result;
  }
  const int64_t divisor = normaliser > 0 ? normaliser : count;
  const at::Tensor sum = at::nll_loss(at::log_softmax(result.logits, 1), result.target, {}, at::Reduction::Sum);
  result.loss = sum / static_cast<double>(divisor);
  return result;
}

}  // namespace boxseg
