#include "common/base/error.h"
#include "common/nn/cuda/launch.h"

namespace boxseg::nn_cuda {
namespace {

[[noreturn]] void refuse() { fail_usage("this build has no CUDA kernels; build with CUDA=1 or use --device cpu"); }

}  // namespace

template <class T>
void gram_maps(const T*, T*, int64_t, int64_t, int64_t, int64_t, void*) {
  refuse();
}
template <class T>
void add_gram_maps_backward(const T*, const T*, T*, int64_t, int64_t, int64_t, int64_t, void*) {
  refuse();
}
template void gram_maps(const float*, float*, int64_t, int64_t, int64_t, int64_t, void*);
template void gram_maps(const double*, double*, int64_t, int64_t, int64_t, int64_t, void*);
template void add_gram_maps_backward(const float*, const float*, float*, int64_t, int64_t, int64_t, int64_t, void*);
template void add_gram_maps_backward(const double*, const double*, double*, int64_t, int64_t, int64_t, int64_t, void*);

}  // namespace boxseg::nn_cuda
