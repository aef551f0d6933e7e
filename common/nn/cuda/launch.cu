#include <stdexcept>
#include <string>

#include "common/nn/cuda/launch.h"
#include "common/nn/gram_maps_kernel.h"

namespace boxseg::nn_cuda {
namespace {

constexpr int kThreads = 128;

int64_t blocks_for(int64_t items) { return (items + kThreads - 1) / kThreads; }

void check_launch(const char* what) {
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)  // also clears it
    throw std::runtime_error(std::string(what) + ": CUDA: " + cudaGetErrorString(error));
}

// One thread per cell; neighbouring threads read neighbouring cells.
template <class T>
__global__ void gram_maps_kernel(const T* features, T* maps, int64_t images, int64_t channels, int64_t h, int64_t w) {
  const int64_t index = int64_t{blockIdx.x} * kThreads + threadIdx.x, area = h * w;
  if (index >= images * area) return;
  const int64_t image = index / area, cell = index % area;
  const bool has_right = cell % w + 1 < w, has_lower = cell / w + 1 < h;
  double totals[5] = {};
  for (int64_t c = 0; c < channels; c += kGramBlock) {
    T sums[5] = {};
    const int64_t count = channels - c < kGramBlock ? channels - c : kGramBlock;
    gram_products<T>(features + (image * channels + c) * area + cell, area, has_right ? 1 : 0, has_lower ? w : 0, count, sums);
    for (int k = 0; k < 5; ++k) totals[k] += static_cast<double>(sums[k]);
  }
  T* out = maps + image * 5 * area + cell;
  out[0] = static_cast<T>(totals[0]);
  out[area] = has_right ? static_cast<T>(totals[1]) : T(0);
  out[2 * area] = has_lower ? static_cast<T>(totals[2]) : T(0);
  out[3 * area] = has_right && has_lower ? static_cast<T>(totals[3]) : T(0);
  out[4 * area] = has_right && has_lower ? static_cast<T>(totals[4]) : T(0);
}

// One thread per cell and group of channels.
constexpr int64_t kChannelsPerThread = 16;

template <class T>
__global__ void gram_adjoint_kernel(const T* grad, const T* features, T* out, int64_t images, int64_t channels, int64_t h,
                                    int64_t w) {
  const int64_t index = int64_t{blockIdx.x} * kThreads + threadIdx.x, area = h * w;
  const int64_t groups = (channels + kChannelsPerThread - 1) / kChannelsPerThread;
  if (index >= images * groups * area) return;
  const int64_t cell = index % area, group = index / area % groups, image = index / area / groups;
  const int64_t y = cell / w, x = cell % w;
  T factors[9];
  gram_adjoint_factors(grad + image * 5 * area, h, w, y, x, factors);
  const int64_t first = group * kChannelsPerThread;
  const int64_t end = first + kChannelsPerThread < channels ? first + kChannelsPerThread : channels;
  for (int64_t c = first; c < end; ++c) {
    const int64_t at = (image * channels + c) * area + cell;
    T sum;
    gram_adjoint<1>(features + at, area, y > 0 ? -w : 0, y + 1 < h ? w : 0, x > 0 ? -1 : 0, x + 1 < w ? 1 : 0, factors, 1, &sum);
    out[at] += sum;
  }
}

}  // namespace

template <class T>
void gram_maps(const T* features, T* maps, int64_t images, int64_t channels, int64_t h, int64_t w, void* stream) {
  gram_maps_kernel<<<blocks_for(images * h * w), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(features, maps, images,
                                                                                                  channels, h, w);
  check_launch("gram_maps");
}

template <class T>
void add_gram_maps_backward(const T* grad_maps, const T* features, T* grad_features, int64_t images, int64_t channels,
                            int64_t h, int64_t w, void* stream) {
  const int64_t groups = (channels + kChannelsPerThread - 1) / kChannelsPerThread;
  gram_adjoint_kernel<<<blocks_for(images * groups * h * w), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      grad_maps, features, grad_features, images, channels, h, w);
  check_launch("gram_maps_backward");
}

template void gram_maps(const float*, float*, int64_t, int64_t, int64_t, int64_t, void*);
template void gram_maps(const double*, double*, int64_t, int64_t, int64_t, int64_t, void*);
template void add_gram_maps_backward(const float*, const float*, float*, int64_t, int64_t, int64_t, int64_t, void*);
template void add_gram_maps_backward(const double*, const double*, double*, int64_t, int64_t, int64_t, int64_t, void*);

}  // namespace boxseg::nn_cuda
