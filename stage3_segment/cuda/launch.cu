// All launches of stage 3. The arithmetic is in loss_kernel.h.
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "stage3_segment/cuda/launch.h"

namespace boxseg::cuda {
namespace {

constexpr int kThreads = 256;

void check_launch(const char* what) {
  const cudaError_t error = cudaGetLastError();  // also clears it
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

unsigned blocks_for(int64_t items) { return static_cast<unsigned>((items + kThreads - 1) / kThreads); }

// One block per row of pixels. Each thread adds up its pixels in order, then a tree adds the threads: always the same.
template <class T>
__global__ void measure_kernel(LossProblem<T> p, T* log_sum, double* row_sums, int64_t* row_counts) {
  __shared__ double sums[3][kThreads];
  __shared__ int64_t counts[2][kThreads];
  const int t = static_cast<int>(threadIdx.x);
  const int64_t row = blockIdx.x, n = row / p.height, y = row % p.height;
  double sum[3] = {0, 0, 0};
  int64_t count[2] = {0, 0};
  for (int64_t x = t; x < p.width; x += kThreads) {
    const int64_t pixel = row * p.width + x;
    const PixelKind kind = kind_of_pixel(p, pixel);
    if (kind == PixelKind::ignored) continue;
    const PixelPart<T> part = measure_pixel(p, kind, p.label[pixel], scores_at(p, n, y, x));
    log_sum[pixel] = part.log_sum;
    const bool is_reliable = kind == PixelKind::reliable;
    sum[is_reliable ? 0 : 1] += part.loss;
    sum[2] += part.confidence;
    ++count[is_reliable ? 0 : 1];
  }
  for (int i = 0; i < 3; ++i) sums[i][t] = sum[i];
  for (int i = 0; i < 2; ++i) counts[i][t] = count[i];
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t >= half) continue;
    for (int i = 0; i < 3; ++i) sums[i][t] += sums[i][t + half];
    for (int i = 0; i < 2; ++i) counts[i][t] += counts[i][t + half];
  }
  if (t != 0) return;
  for (int i = 0; i < 3; ++i) row_sums[row * 3 + i] = sums[i][0];
  for (int i = 0; i < 2; ++i) row_counts[row * 2 + i] = counts[i][0];
}

template <class T>
__global__ void slope_kernel(LossProblem<T> p, LossScales<T> scales, const T* log_sum, PixelSlope<T>* slopes) {
  const int64_t pixel = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (pixel >= p.images * p.height * p.width) return;
  const PixelKind kind = kind_of_pixel(p, pixel);
  if (kind == PixelKind::ignored) {
    slopes[pixel] = PixelSlope<T>();
    return;
  }
  const int64_t x = pixel % p.width, y = pixel / p.width % p.height, n = pixel / p.width / p.height;
  slopes[pixel] = slope_of_pixel(p, kind, p.label[pixel], log_sum[pixel], scales, scores_at(p, n, y, x));
}

template <class T>
__global__ void gather_kernel(LossProblem<T> p, const PixelSlope<T>* slopes, T* gradient) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= p.images * p.cell_rows * p.cell_columns * p.classes) return;
  const int64_t c = i % p.classes, cell = i / p.classes;
  const int64_t column = cell % p.cell_columns, row = cell / p.cell_columns % p.cell_rows;
  gradient[i] = gather_cell(p, slopes, cell / p.cell_columns / p.cell_rows, row, column, c);
}

}  // namespace

template <class T>
void measure(const LossProblem<T>& p, T* log_sum, double* row_sums, int64_t* row_counts, void* stream) {
  measure_kernel<<<static_cast<unsigned>(p.images * p.height), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      p, log_sum, row_sums, row_counts);
  check_launch("the loss on the GPU");
}

template <class T>
void gradient(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, PixelSlope<T>* slopes, T* out,
              void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  slope_kernel<<<blocks_for(p.images * p.height * p.width), kThreads, 0, on>>>(p, scales, log_sum, slopes);
  check_launch("the loss's gradient on the GPU");
  gather_kernel<<<blocks_for(p.images * p.cell_rows * p.cell_columns * p.classes), kThreads, 0, on>>>(p, slopes, out);
  check_launch("the loss's gradient on the GPU");
}

template void measure(const LossProblem<float>&, float*, double*, int64_t*, void*);
template void measure(const LossProblem<double>&, double*, double*, int64_t*, void*);
template void gradient(const LossProblem<float>&, const LossScales<float>&, const float*, PixelSlope<float>*, float*,
                       void*);
template void gradient(const LossProblem<double>&, const LossScales<double>&, const double*, PixelSlope<double>*,
                       double*, void*);

}  // namespace boxseg::cuda
