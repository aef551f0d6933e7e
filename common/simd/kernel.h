// Marks functions that compile as C++ and as CUDA: the arithmetic of a kernel stands once, over raw pointers and an
// index, in UNIT/x_kernel.h; UNIT/cuda/*.cu holds the unit's launches and nothing else (common/ops/launch.h).
#pragma once

#include "common/simd/instruction_set.h"

#if defined(__CUDACC__)
#define BOXSEG_HD __host__ __device__ inline
#define BOXSEG_HD_INLINED __host__ __device__ __forceinline__
#else
#define BOXSEG_HD inline
#define BOXSEG_HD_INLINED BOXSEG_INLINED  // for functions that are called with vectors
#endif
