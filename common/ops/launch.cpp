#include "common/ops/launch.h"

#include "common/base/error.h"

namespace boxseg {

void refuse_gpu_kernel() { fail_usage("this build has no CUDA kernels; build with CUDA=1 or use --device cpu"); }

void fail_launch(const char* what, const char* error) { fail("{}: CUDA: {}", what, error); }

}  // namespace boxseg
