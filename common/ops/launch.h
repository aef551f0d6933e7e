// Runs a kernel, which is a function of one index, marked BOXSEG_HD, for each of a number of indices. On a GPU every
// index is a thread; on the CPU a plain loop calls the very same function, which is how the kernels are tested on
// machines without a GPU, and what a reader may start from. Files that launch end in .cu: nvcc compiles them in a build
// with CUDA, the C++ compiler in one without.
#pragma once
#include <cstdint>

#include "common/simd/kernel.h"

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#endif

namespace boxseg {

// Says where a kernel runs. Pointers that it is given are memory of that device.
struct KernelQueue {
  bool is_gpu = false;
  void* stream = nullptr;  // on a GPU: a cudaStream_t of the current device
};

// Throws `usage`, since this build has no kernels for a GPU.
[[noreturn]] void refuse_gpu_kernel();
// Throws `failed` with the kernel's name and what CUDA says.
[[noreturn]] void fail_launch(const char* what, const char* error);

#if defined(__CUDACC__)
inline constexpr int kThreadsOfBlock = 128;

template <auto kernel, class... Arguments>
__global__ void run_kernel(int64_t items, Arguments... arguments) {
  const int64_t index = int64_t{blockIdx.x} * kThreadsOfBlock + threadIdx.x;
  if (index < items) kernel(index, arguments...);
}
#endif

// Calls kernel(index, arguments...) for 0 <= index < items; the order of the indices is not defined. Arguments are
// copied: numbers, pointers and plain structs. A GPU may still be at work when this returns.
template <auto kernel, class... Arguments>
void launch(const char* what, const KernelQueue& on, int64_t items, Arguments... arguments) {
  if (items <= 0) return;
  if (on.is_gpu) {
#if defined(__CUDACC__)
    const int64_t blocks = (items + kThreadsOfBlock - 1) / kThreadsOfBlock;
    run_kernel<kernel, Arguments...>
        <<<static_cast<unsigned>(blocks), kThreadsOfBlock, 0, static_cast<cudaStream_t>(on.stream)>>>(items,
                                                                                                      arguments...);
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)  // this also clears it
      fail_launch(what, cudaGetErrorString(error));
    return;
#else
    refuse_gpu_kernel();
#endif
  }
  for (int64_t index = 0; index < items; ++index) kernel(index, arguments...);
}

}  // namespace boxseg
