// Launches the kernels of loss_kernel.h. All pointers, those of the problem included, are memory of the device that
// `on` names.
#pragma once
#include "common/ops/launch.h"
#include "stage3_segment/loss_kernel.h"

namespace boxseg::launches {

// Writes log_sum [N,H,W], and into `out` `sums` sums, each over a part of the batch's pixels, which together are all of
// them. `parts` is work space of N*H*kLossLanes elements.
template <class T>
void measure(const KernelQueue& on, const LossProblem<T>& problem, T* log_sum, LossPart* parts, int64_t sums,
             LossPart* out);

// Computes gradient [N,h,w,K] from log_sum. `slopes` is work space of N*H*W elements.
template <class T>
void gradient(const KernelQueue& on, const LossProblem<T>& problem, const LossScales<T>& scales, const T* log_sum,
              PixelSlope<T>* slopes, T* gradient);

}  // namespace boxseg::launches
