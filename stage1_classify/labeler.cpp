#include "stage1_classify/labeler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/ops/transfer.h"

namespace boxseg {
namespace {

// Selects rows of x [n,C], each at most once. LibTorch's own way back adds rows up, on a GPU in the order of threads;
// here each gradient has a place of its own.
struct SelectRows : torch::autograd::Function<SelectRows> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& rows) {
    context->save_for_backward({rows});
    context->saved_data["count"] = x.size(0);
    return x.index_select(0, rows);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& from) {
    const at::Tensor all = at::zeros({context->saved_data["count"].toInt(), from[0].size(1)}, from[0].options());
    return {all.index_copy_(0, context->get_saved_variables()[0], from[0]), at::Tensor()};
  }
};

}  // namespace

LabelerResult label_batch(const at::Tensor& features, const at::Tensor& classifier_weight,
                          std::shared_ptr<const BapPlan> plan, int64_t normaliser) {
  const int64_t classes = classifier_weight.size(0);
  for (const int64_t c : plan->class_of_box)
    ensure(c >= 1 && c < classes, "a box has class {}, but the classifier knows 1 to {}", c, classes - 1);
  LabelerResult result;
  // Both tables go up in one upload.
  std::vector<int64_t> numbers = plan->target();
  const auto count = static_cast<int64_t>(numbers.size());
  numbers.insert(numbers.end(), plan->valid_grid_ids.begin(), plan->valid_grid_ids.end());
  const at::Tensor staged = empty_for_upload({static_cast<int64_t>(numbers.size())}, at::kLong, features.device());
  std::copy(numbers.begin(), numbers.end(), staged.mutable_data_ptr<int64_t>());
  const at::Tensor tables = upload(staged, features.device());
  result.target = tables.slice(0, 0, count);
  const at::Tensor valid = tables.slice(0, count);
  result.pooled = background_aware_pooling(features, std::move(plan));
  const at::Tensor vectors = at::cat({result.pooled.box_vectors, SelectRows::apply(result.pooled.queries, valid)});
  result.logits = at::linear(vectors, classifier_weight.reshape({classes, -1}));
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
