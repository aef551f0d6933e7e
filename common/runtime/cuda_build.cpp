// This is the one file that differs between a build for CPUs only and one with CUDA. CMake passes the list to it alone,
// so that the compiler's cache serves both with all others.
#include "common/runtime/cuda_architectures.h"

#if !defined(BOXSEG_CUDA_ARCHITECTURES)
#define BOXSEG_CUDA_ARCHITECTURES ""
#endif

namespace boxseg {

std::string built_cuda_architectures() { return BOXSEG_CUDA_ARCHITECTURES; }

}  // namespace boxseg
