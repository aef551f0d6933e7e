#include "common/base/error.h"
#include "stage1_classify/cuda/launch.h"

namespace boxseg::bap_cuda {
namespace {

[[noreturn]] void refuse() { fail_usage("this build has no CUDA kernels; build with CUDA=1 or use --device cpu"); }

}  // namespace

template <class T>
void attention(const bap::View<T>&, T*, void*) {
  refuse();
}
template <class T>
void pooling_matrix(const bap::View<T>&, const T*, T*, T*, void*) {
  refuse();
}
template <class T>
void sample_gradients(const bap::View<T>&, const T*, const T*, const T*, T*, T*, void*) {
  refuse();
}
template <class T>
void map_gradients(const bap::View<T>&, const T*, const T*, T*, T*, void*) {
  refuse();
}

template void attention(const bap::View<float>&, float*, void*);
template void attention(const bap::View<double>&, double*, void*);
template void pooling_matrix(const bap::View<float>&, const float*, float*, float*, void*);
template void pooling_matrix(const bap::View<double>&, const double*, double*, double*, void*);
template void sample_gradients(const bap::View<float>&, const float*, const float*, const float*, float*, float*, void*);
template void sample_gradients(const bap::View<double>&, const double*, const double*, const double*, double*, double*, void*);
template void map_gradients(const bap::View<float>&, const float*, const float*, float*, float*, void*);
template void map_gradients(const bap::View<double>&, const double*, const double*, double*, double*, void*);

}  // namespace boxseg::bap_cuda
