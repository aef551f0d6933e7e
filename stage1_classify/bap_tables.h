// Holds a plan's tables on the device of the features, for the kernels of bap_kernel.h. It is one copy, which forward
// and backward pass share.
#pragma once
#include <ATen/core/Tensor.h>

#include "common/ops/transfer.h"
#include "stage1_classify/bap_parts.h"

namespace boxseg::bap {

class PlanTables {
 public:
  // `features` tells the device, and the type in which the products with features are made.
  PlanTables(const BapPlan& plan, const at::Tensor& features);

  // Returns view_of() with the tables of this device.
  template <class T>
  View<T> view(const BapPlan& plan, const Parts& parts) const;
  const at::Tensor& members() const { return members_; }    // [N,J,h*w]: 1 at the background cells of a query, else 0
  const at::Tensor& divisors() const { return divisors_; }  // [N,J,1]: how many there are, never 0

 private:
  struct Places {
    size_t boxes, box_begin, axis, first, attending, background_count, mask;
  };
  DeviceTables tables_;
  Places places_;
  at::Tensor members_, divisors_;
};

}  // namespace boxseg::bap
