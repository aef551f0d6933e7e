// Does the two passes of loss_kernel.h where the scores are, by the kernels of cuda/: the device path.
#pragma once
#include <ATen/core/Tensor.h>

#include "stage3_segment/loss_kernel.h"
#include "stage3_segment/losses.h"

namespace boxseg::device {

struct Measured {
  LossSums sums;
  int64_t wrong = 0;  // counts labels that are no class; the sums leave them out
};

// Waits for the device once. The problem's pointers are memory of the device of `scores`, and so is log_sum, [N,H,W].
template <class T>
Measured measure(const LossProblem<T>& problem, const at::Tensor& scores, T* log_sum);

template <class T>
void gradient(const LossProblem<T>& problem, const LossScales<T>& scales, const at::Tensor& scores, const T* log_sum,
              T* gradient);  // [N,h,w,K]

}  // namespace boxseg::device
