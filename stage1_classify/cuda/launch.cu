#include "stage1_classify/cuda/launch.h"

#include <stdexcept>
#include <string>

namespace boxseg::bap_cuda {
namespace {

constexpr int kThreads = 128;

__device__ int64_t thread_index() { return int64_t{blockIdx.x} * kThreads + threadIdx.x; }

// Runs kernel(index...) for `items` indices; nothing for 0.
template <class... Parameters, class... Arguments>
void launch(const char* what, void (*kernel)(Parameters...), int64_t items, void* stream, Arguments... arguments) {
  if (items == 0) return;
  kernel<<<(items + kThreads - 1) / kThreads, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)  // also clears it
    throw std::runtime_error(std::string(what) + ": CUDA: " + cudaGetErrorString(error));
}

// The box that sample s belongs to.
template <class T>
__device__ int64_t box_of_sample(const bap::View<T>& v, int64_t s) {
  int64_t low = 0, high = v.boxes_count - 1;
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (v.boxes[middle].sample <= s)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

template <class T>
__global__ void attention_kernel(bap::View<T> v, T* attention) {
  const int64_t s = thread_index();
  if (s >= v.samples) return;
  const bap::Box& box = v.boxes[box_of_sample(v, s)];
  attention[s] = bap::foreground_attention(v, box, (s - box.sample) / box.cols, (s - box.sample) % box.cols);
}

template <class T>
__global__ void window_weight_kernel(bap::View<T> v, const T* attention, T* weights) {
  const int64_t i = thread_index(), windows = v.roi * v.roi;
  if (i < v.boxes_count * windows) weights[i] = bap::window_weight(v, attention, i / windows, i % windows);
}

template <class T>
__global__ void pooling_matrix_kernel(bap::View<T> v, const T* attention, const T* weights, T* matrix) {
  const int64_t i = thread_index(), windows = v.roi * v.roi, area = v.h * v.w;
  if (i >= v.boxes_count * windows * area) return;
  const int64_t row = i / area, cell = i % area;
  matrix[i] = bap::pooling_weight(v, attention, weights, row / windows, row % windows, cell / v.w, cell % v.w);
}

template <class T>
__global__ void sample_gradients_kernel(bap::View<T> v, const T* weights, const T* grad_dots_at, const T* grad_self,
                                        T* query_gradients, T* norm_gradients) {
  const int64_t s = thread_index();
  if (s >= v.samples) return;
  const int64_t b = box_of_sample(v, s), in_box = s - v.boxes[b].sample;
  norm_gradients[s] = bap::sample_gradients(v, weights, grad_dots_at, grad_self, b, in_box / v.boxes[b].cols,
                                            in_box % v.boxes[b].cols, query_gradients + s * v.queries);
}

template <class T>
__global__ void map_gradients_kernel(bap::View<T> v, const T* query_gradients, const T* norm_gradients, T* grad_dots,
                                     T* grad_gram) {
  const int64_t i = thread_index(), area = v.h * v.w;
  if (i >= v.images * area) return;
  const int64_t n = i / area, cell = i % area;
  if (v.attending[n] == 0) return;
  bap::cell_gradients(v, query_gradients, norm_gradients, n, cell / v.w, cell % v.w, area,
                      grad_dots + n * v.queries * area + cell, grad_gram + n * 5 * area + cell);
}

}  // namespace

template <class T>
void attention(const bap::View<T>& view, T* out, void* stream) {
  launch("bap attention", attention_kernel<T>, view.samples, stream, view, out);
}

template <class T>
void pooling_matrix(const bap::View<T>& view, const T* attention, T* weights, T* matrix, void* stream) {
  const int64_t rows = view.boxes_count * view.roi * view.roi;
  launch("bap windows", window_weight_kernel<T>, rows, stream, view, attention, weights);
  launch("bap pooling", pooling_matrix_kernel<T>, rows * view.h * view.w, stream, view, attention,
         static_cast<const T*>(weights), matrix);
}

template <class T>
void sample_gradients(const bap::View<T>& view, const T* weights, const T* grad_dots_at, const T* grad_self,
                      T* query_gradients, T* norm_gradients, void* stream) {
  launch("bap sample gradients", sample_gradients_kernel<T>, view.samples, stream, view, weights, grad_dots_at, grad_self,
         query_gradients, norm_gradients);
}

template <class T>
void map_gradients(const bap::View<T>& view, const T* query_gradients, const T* norm_gradients, T* grad_dots, T* grad_gram,
                   void* stream) {
  launch("bap map gradients", map_gradients_kernel<T>, view.images * view.h * view.w, stream, view, query_gradients,
         norm_gradients, grad_dots, grad_gram);
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
