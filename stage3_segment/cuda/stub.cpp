#include "common/base/error.h"
#include "stage3_segment/cuda/launch.h"

namespace boxseg::cuda {
namespace {

[[noreturn]] void refuse() { fail_usage("this build has no CUDA kernels; build with CUDA=1, or use --device cpu"); }

}  // namespace

template <class T>
void measure(const LossProblem<T>&, T*, double*, int64_t*, void*) {
  refuse();
}
template <class T>
void gradient(const LossProblem<T>&, const LossScales<T>&, const T*, PixelSlope<T>*, T*, void*) {
  refuse();
}

template void measure(const LossProblem<float>&, float*, double*, int64_t*, void*);
template void measure(const LossProblem<double>&, double*, double*, int64_t*, void*);
template void gradient(const LossProblem<float>&, const LossScales<float>&, const float*, PixelSlope<float>*, float*,
                       void*);
template void gradient(const LossProblem<double>&, const LossScales<double>&, const double*, PixelSlope<double>*,
                       double*, void*);

}  // namespace boxseg::cuda
