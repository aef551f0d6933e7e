#include "stage1_classify/bap_tables.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>

#include "common/ops/device_path.h"
#include "stage1_classify/cuda/launch.h"

namespace boxseg::bap {

PlanTables::PlanTables(const BapPlan& plan, const at::Tensor& features) {
  places_ = {tables_.add(plan.boxes),     tables_.add(plan.box_begin), tables_.add(plan.axis),
             tables_.add(plan.first),     tables_.add(plan.attending), tables_.add(plan.background_count),
             tables_.add(plan.small_mask)};
  tables_.upload_to(features.device());
  const int64_t n = plan.images, j = plan.queries_per_image();
  members_ = at::empty({n, j, plan.h * plan.w}, features.options());
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "bap_members", [&] {
    View<scalar_t> v{};
    v.images = n;
    v.h = plan.h;
    v.w = plan.w;
    v.queries = j;
    launches::query_members(queue_of(features), v, plan.cut(), tables_.get<uint8_t>(places_.mask),
                            members_.mutable_data_ptr<scalar_t>());
  });
  divisors_ = tables_.tensor(places_.background_count, n * j, at::kFloat).to(features.scalar_type()).view({n, j, 1}) +
              kDivisionGuard;
}

template <class T>
View<T> PlanTables::view(const BapPlan& plan, const Parts& parts) const {
  View<T> v = view_of<T>(plan, parts);
  v.boxes = tables_.get<Box>(places_.boxes);
  v.box_begin = tables_.get<int32_t>(places_.box_begin);
  v.axis = tables_.get<AxisSample>(places_.axis);
  v.first = tables_.get<int32_t>(places_.first);
  v.attending = tables_.get<int32_t>(places_.attending);
  v.background_count = tables_.get<float>(places_.background_count);
  return v;
}

template View<float> PlanTables::view(const BapPlan&, const Parts&) const;
template View<double> PlanTables::view(const BapPlan&, const Parts&) const;

}  // namespace boxseg::bap
