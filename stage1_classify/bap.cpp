#include "stage1_classify/bap.h"

#include <utility>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "stage1_classify/bap_parts.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Holds what the backward pass needs beside tensors.
struct Kept : torch::CustomClassHolder {
  Kept(std::shared_ptr<const BapPlan> p, std::shared_ptr<const bap::PlanTables> t)
      : plan(std::move(p)), tables(std::move(t)) {}
  std::shared_ptr<const BapPlan> plan;
  // These are the device path's tables; null where the CPU's own path was taken.
  std::shared_ptr<const bap::PlanTables> tables;
};

class BapFunction : public torch::autograd::Function<BapFunction> {
 public:
  static variable_list forward(AutogradContext* ctx, const at::Tensor& given,
                               std::shared_ptr<const BapPlan> shared_plan) {
    const BapPlan& plan = *shared_plan;
    const at::Tensor features = given.contiguous();
    const bap::Parts p =
        takes_device_path(features) ? bap::forward_device(plan, features) : bap::forward_cpu(plan, features);
    ctx->save_for_backward({features, p.queries, p.dots, p.gram, p.query_norms, p.weights, p.matrix, p.vectors});
    ctx->saved_data["kept"] = c10::IValue::make_capsule(c10::make_intrusive<Kept>(std::move(shared_plan), p.tables));
    ctx->mark_non_differentiable({p.attention});
    return {p.vectors, p.queries.view({plan.images * plan.queries_per_image(), features.size(1)}), p.attention};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor& features = saved[0];
    const auto capsule = ctx->saved_data["kept"].toCapsule();
    const auto& kept = static_cast<const Kept&>(*capsule);
    const BapPlan& plan = *kept.plan;
    const bap::Parts parts{saved[1], saved[2], saved[3], saved[4], {}, saved[5], saved[6], saved[7], kept.tables};
    const at::Tensor grad_vectors = grads[0].defined() ? grads[0].contiguous() : at::zeros_like(parts.vectors);
    const at::Tensor grad_queries =
        grads[1].defined() ? grads[1].contiguous().view(parts.queries.sizes()) : at::zeros_like(parts.queries);
    const auto& step = kept.tables != nullptr ? bap::backward_device : bap::backward_cpu;
    return {step(plan, features, parts, grad_vectors, grad_queries), at::Tensor()};
  }
};

}  // namespace

BapResult background_aware_pooling(const at::Tensor& features, std::shared_ptr<const BapPlan> plan) {
  ensure(features.dim() == 4 && features.size(0) == plan->images && features.size(2) == plan->h &&
             features.size(3) == plan->w,
         "bap: features are {}, expected [{},C,{},{}]", c10::str(features.sizes()), plan->images, plan->h, plan->w);
  ensure(features.scalar_type() == at::kFloat || features.scalar_type() == at::kDouble,
         "bap: features are {}, expected float32 or float64", c10::toString(features.scalar_type()));
  const variable_list out = BapFunction::apply(features, std::move(plan));
  return {out[0], out[1], out[2]};
}

}  // namespace boxseg
