// The kernels of loss_kernel.h on a GPU. All pointers are the device's; stream is a cudaStream_t. A build without CUDA
// links cuda/stub.cpp, whose functions throw.
#pragma once
#include "stage3_segment/loss_kernel.h"

namespace boxseg::cuda {

// Writes log_sum [N,H,W] and, per row of pixels, its sums in a fixed order: row_sums [N*H,3] (loss over reliable, over
// unreliable pixels, sigma) and row_counts [N*H,2] (reliable, unreliable).
template <class T>
void measure(const LossProblem<T>& problem, T* log_sum, double* row_sums, int64_t* row_counts, void* stream);

// gradient [N,h,w,K] from log_sum; slopes: work space of N*H*W elements.
template <class T>
void gradient(const LossProblem<T>& problem, const LossScales<T>& scales, const T* log_sum, PixelSlope<T>* slopes,
              T* gradient, void* stream);

}  // namespace boxseg::cuda
