#include "common/nn/gram_maps.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "common/base/error.h"
#include "common/base/parallel.h"
#include "common/nn/cuda/launch.h"
#include "common/nn/gram_maps_kernel.h"

namespace boxseg {
namespace {

// A vector of neighbouring cells, of 64 bytes: two registers of AVX2, or what the compiler makes of it.
template <class T>
struct Run;
template <>
struct Run<float> {
  static constexpr int64_t kLength = 16;
  typedef float type __attribute__((vector_size(64)));
};
template <>
struct Run<double> {
  static constexpr int64_t kLength = 8;
  typedef double type __attribute__((vector_size(64)));
};

template <class V, class T>
void add_products(const T* f, int64_t area, int64_t right, int64_t lower, int64_t channels, double* totals, int64_t w) {
  V sums[5] = {};
  gram_products(f, area, right, lower, channels, sums);
  T lanes[5][sizeof(V) / sizeof(T)];
  memcpy(lanes, sums, sizeof lanes);
  for (int k = 0; k < 5; ++k)
    for (size_t i = 0; i < sizeof(V) / sizeof(T); ++i) totals[k * w + static_cast<int64_t>(i)] += static_cast<double>(lanes[k][i]);
}

// One row of cells of one image. f: [C,h,w] at row y; maps: [5,h,w] at row y.
template <class T>
void gram_row(const T* f, T* maps, int64_t channels, int64_t area, int64_t w, bool has_lower) {
  std::vector<double> totals(static_cast<size_t>(5 * w), 0.0);
  const int64_t lower = has_lower ? w : 0;
  for (int64_t c = 0; c < channels; c += kGramBlock) {
    const int64_t count = std::min(kGramBlock, channels - c);
    const T* block = f + c * area;
    int64_t x = 0;
    for (; x + Run<T>::kLength < w; x += Run<T>::kLength)  // <: every cell of the run has a right neighbour
      add_products<typename Run<T>::type>(block + x, area, 1, lower, count, totals.data() + x, w);
    for (; x < w; ++x) add_products<T>(block + x, area, x + 1 < w ? 1 : 0, lower, count, totals.data() + x, w);
  }
  for (int64_t k = 0; k < 5; ++k)
    for (int64_t x = 0; x < w; ++x) {
      const bool is_outside = (k >= 2 && !has_lower) || (k != 0 && k != 2 && x + 1 == w);
      maps[k * area + x] = is_outside ? T(0) : static_cast<T>(totals[static_cast<size_t>(k * w + x)]);
    }
}

template <class V, class T>
void add_adjoint(const T* f, T* out, int64_t up, int64_t down, int64_t left, int64_t right, const T* factors, int64_t w) {
  V run_factors[9], sum;
  for (int k = 0; k < 9; ++k) load_run(run_factors[k], factors + k * w);
  load_run(sum, out);
  sum += gram_adjoint<V>(f, up, down, left, right, run_factors);
  memcpy(out, &sum, sizeof sum);
}

// One row of cells of one image, all channels. grad: the image's [5,h,w].
template <class T>
void gram_adjoint_row(const T* grad, const T* f, T* out, int64_t channels, int64_t h, int64_t w, int64_t y) {
  std::vector<T> factors(static_cast<size_t>(9 * w));  // [9,w]
  for (int64_t x = 0; x < w; ++x) {
    T at_x[9];
    gram_adjoint_factors(grad, h, w, y, x, at_x);
    for (int k = 0; k < 9; ++k) factors[static_cast<size_t>(k * w + x)] = at_x[k];
  }
  const int64_t up = y > 0 ? -w : 0, down = y + 1 < h ? w : 0;
  for (int64_t c = 0; c < channels; ++c) {
    const T* from = f + (c * h + y) * w;
    T* to = out + (c * h + y) * w;
    const auto single = [&](int64_t x) {
      add_adjoint<T>(from + x, to + x, up, down, x > 0 ? -1 : 0, x + 1 < w ? 1 : 0, factors.data() + x, w);
    };
    single(0);
    int64_t x = 1;
    for (; x + Run<T>::kLength < w; x += Run<T>::kLength)
      add_adjoint<typename Run<T>::type>(from + x, to + x, up, down, -1, 1, factors.data() + x, w);
    for (; x < w; ++x) single(x);
  }
}

void check_features(const at::Tensor& features) {
  ensure(features.dim() == 4, "gram_maps: features have {} dimensions, expected [N,C,h,w]", features.dim());
  ensure(features.scalar_type() == at::kFloat || features.scalar_type() == at::kDouble,
         "gram_maps: features are {}, expected float32 or float64", c10::toString(features.scalar_type()));
}

}  // namespace

at::Tensor gram_maps(const at::Tensor& given) {
  check_features(given);
  const at::NoGradGuard no_grad;
  const at::Tensor features = given.contiguous();
  const int64_t n = features.size(0), channels = features.size(1), h = features.size(2), w = features.size(3);
  at::Tensor maps = at::empty({n, 5, h, w}, features.options());
  if (maps.numel() == 0) return maps;
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "gram_maps", [&] {
    const scalar_t* f = features.const_data_ptr<scalar_t>();
    scalar_t* out = maps.mutable_data_ptr<scalar_t>();
    if (features.is_cuda()) {
      const c10::DeviceGuard guard(features.device());
      nn_cuda::gram_maps(f, out, n, channels, h, w, nn_cuda::current_stream(features));
      return;
    }
    parallel_for(n * h, 1, at::get_num_threads(), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t image = row / h, y = row % h;
        gram_row(f + image * channels * h * w + y * w, out + image * 5 * h * w + y * w, channels, h * w, w, y + 1 < h);
      }
    });
  });
  return maps;
}

void add_gram_maps_backward(at::Tensor& grad_features, const at::Tensor& grad_given, const at::Tensor& given) {
  check_features(given);
  const at::NoGradGuard no_grad;
  const at::Tensor features = given.contiguous(), grad = grad_given.contiguous();
  const int64_t n = features.size(0), channels = features.size(1), h = features.size(2), w = features.size(3);
  ensure(grad.sizes() == at::IntArrayRef({n, 5, h, w}) && grad.scalar_type() == features.scalar_type(),
         "gram_maps: the gradient is {}, expected [{},5,{},{}]", c10::str(grad.sizes()), n, h, w);
  ensure(grad_features.is_contiguous() && grad_features.sizes() == features.sizes() &&
             grad_features.scalar_type() == features.scalar_type() && grad_features.device() == features.device(),
         "gram_maps: grad_features does not fit the features");
  if (features.numel() == 0) return;
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "gram_maps_backward", [&] {
    const scalar_t* f = features.const_data_ptr<scalar_t>();
    const scalar_t* g = grad.const_data_ptr<scalar_t>();
    scalar_t* out = grad_features.mutable_data_ptr<scalar_t>();
    if (features.is_cuda()) {
      const c10::DeviceGuard guard(features.device());
      nn_cuda::add_gram_maps_backward(g, f, out, n, channels, h, w, nn_cuda::current_stream(features));
      return;
    }
    parallel_for(n * h, 1, at::get_num_threads(), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t image = row / h, base = image * channels * h * w;
        gram_adjoint_row(g + image * 5 * h * w, f + base, out + base, channels, h, w, row % h);
      }
    });
  });
}

at::Tensor gram_maps_backward(const at::Tensor& grad_maps, const at::Tensor& features) {
  at::Tensor grad = at::zeros(features.sizes(), features.options().memory_format(at::MemoryFormat::Contiguous));
  add_gram_maps_backward(grad, grad_maps, features);
  return grad;
}

}  // namespace boxseg
