// Does the two passes of loss_kernel.h on the CPU, on LibTorch's threads; the bits are equal for any number of them.
// Eight pixels between the same two columns of cells are taken at a time (pixel_block.h).
#pragma once
#include "stage3_segment/loss_kernel.h"
#include "stage3_segment/losses.h"

namespace boxseg::cpu {

template <class T>
LossSums measure(const LossProblem<T>& problem, T* log_sum);  // log_sum: [N,H,W]

template <class T>
void gradient(const LossProblem<T>& problem, const LossScales<T>& scales, const T* log_sum, T* gradient);  // [N,h,w,K]

}  // namespace boxseg::cpu
