#include "common/ops/gram_maps.h"

#include <ATen/Dispatch.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "common/base/error.h"
#include "common/ops/cuda/launch.h"
#include "common/ops/device_path.h"
#include "common/ops/gram_maps_kernel.h"
#include "common/ops/torch_pool.h"
#include "common/simd/groups.h"
#include "common/simd/wide.h"

namespace boxseg {
namespace {

// Adds to sums [5,area] the products of `channels` channels at cells from .. to - 1, as many vectors V as fit, and
// returns where they end.
template <class V, class T>
BOXSEG_INLINED int64_t add_products(const T* f, int64_t channels, int64_t area, int64_t right, int64_t lower,
                                    int64_t from, int64_t to, T* sums) {
  constexpr int64_t kLength = sizeof(V) / sizeof(T);
  for (; from + kLength <= to; from += kLength) {
    V run[5];
    for (int k = 0; k < 5; ++k) load_run(run[k], sums + k * area + from);
    gram_products(f + from, area, right, lower, channels, run);
    for (int k = 0; k < 5; ++k) memcpy(sums + k * area + from, &run[k], sizeof(V));
  }
  return from;
}

template <int Channels, class V, class T>
BOXSEG_INLINED void add_adjoint(const T* f, T* out, int64_t area, int64_t up, int64_t down, int64_t left, int64_t right,
                                const T* factors) {
  V sums[Channels];
  gram_adjoint<Channels>(f, area, up, down, left, right, factors, area, sums);
  for (int c = 0; c < Channels; ++c) {
    V value;
    load_run(value, out + c * area);
    value += sums[c];
    memcpy(out + c * area, &value, sizeof value);
  }
}

// Adds one row of some channels of one image. f and out stand at the first of them, [Channels,h,w]; factors: the
// image's [9,h,w].
template <int Channels, int lanes, class T>
BOXSEG_INLINED void gram_adjoint_row(const T* f, T* out, const T* factors, int64_t h, int64_t w, int64_t y,
                                     int64_t begin, int64_t end) {
  if (begin >= end) return;
  const int64_t area = h * w, up = y > 0 ? -w : 0, down = y + 1 < h ? w : 0;
  const auto single = [&](int64_t x) {
    const int64_t cell = y * w + x;
    add_adjoint<Channels, T>(f + cell, out + cell, area, up, down, x > 0 ? -1 : 0, x + 1 < w ? 1 : 0, factors + cell);
  };
  // Runs look one cell beyond the ends of their row and the rows around it (with factor 0), but not beyond the map.
  // They begin sooner where that lets whole ones reach the end.
  const int64_t runs_begin = y <= 1 ? 1 : 0, runs_end = y + 2 < h ? w : w - 1;
  const int64_t length = (end - begin + kWideLanes<T> - 1) / kWideLanes<T> * kWideLanes<T>;
  int64_t x = std::min(begin, std::max(runs_begin, runs_end - length));
  const auto runs = [&]<class V>(const V&, int64_t last) BOXSEG_ALWAYS_INLINE {
    constexpr int64_t kLength = sizeof(V) / sizeof(T);
    for (; x + kLength <= last && x < end; x += kLength) {
      const int64_t cell = y * w + x;
      add_adjoint<Channels, V>(f + cell, out + cell, area, up, down, -1, 1, factors + cell);
    }
  };
  if (x < runs_begin) single(x++);
  if constexpr (lanes > kWideLanes<T>) runs(Wide<T, lanes>{}, std::min(end, runs_end));
  runs(Wide<T>{}, runs_end);
  for (; x < end; ++x) single(x);
}

void check_features(const at::Tensor& features) {
  ensure(features.dim() == 4, "gram_maps: features have {} dimensions, expected [N,C,h,w]", features.dim());
  ensure(features.scalar_type() == at::kFloat || features.scalar_type() == at::kDouble,
         "gram_maps: features are {}, expected float32 or float64", c10::toString(features.scalar_type()));
}

}  // namespace

template <class T>
GramSums<T>::GramSums(int64_t channels, int64_t h, int64_t w, const CellRuns& cells)
    : channels_(channels), h_(h), w_(w), cells_(cells), sums_(static_cast<size_t>(blocks() * 5 * h * w)) {}

// Cells are taken as one line; the products of a row's last cell with what follows in memory mean nothing.
template <class T>
void GramSums<T>::add(const T* f, int64_t block) {
  const int64_t area = h_ * w_, first = block * kGramBlock, channels = std::min(kGramBlock, channels_ - first);
  f += first * area;
  T* sums = sums_.data() + block * 5 * area;
  with_vectors(instruction_set(), [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    const auto add_between = [&](int64_t right, int64_t lower, int64_t from, int64_t to) BOXSEG_ALWAYS_INLINE {
      from = add_products<Wide<T, bytes / sizeof(T)>>(f, channels, area, right, lower, from, to, sums);
      from = add_products<Wide<T>>(f, channels, area, right, lower, from, to, sums);
      add_products<T>(f, channels, area, right, lower, from, to, sums);
    };
    // The last cell that has one below it stands at the end of its row, so it has none to the lower right.
    const int64_t last_above = std::max<int64_t>(0, area - w_ - 1);
    for (const auto& run : cells_.runs) {
      add_between(1, w_, run.begin, std::min(run.end, last_above));
      add_between(0, w_, std::max(run.begin, last_above), std::min(run.end, area - w_));
      add_between(1, 0, std::max(run.begin, area - w_), std::min(run.end, area - 1));
      add_between(0, 0, std::max(run.begin, area - 1), run.end);
    }
  });
}

template <class T>
void GramSums<T>::write(T* maps) const {
  const int64_t area = h_ * w_;
  for (int64_t k = 0; k < 5; ++k)
    for (const auto& run : cells_.runs)
      for (int64_t cell = run.begin; cell < run.end; ++cell) {
        const bool is_outside = (k >= 2 && cell >= area - w_) || (k != 0 && k != 2 && cell % w_ == w_ - 1);
        const int64_t at = k * area + cell;
        double total = 0;
        for (int64_t b = 0; b < blocks(); ++b)
          total += static_cast<double>(sums_[static_cast<size_t>(b * 5 * area + at)]);
        maps[at] = is_outside ? T(0) : static_cast<T>(total);
      }
}

template class GramSums<float>;
template class GramSums<double>;

template <class T>
GramAdjoint<T>::GramAdjoint(const T* grad_maps, int64_t h, int64_t w)
    : h_(h), w_(w), factors_(static_cast<size_t>(9 * h * w)), columns_(static_cast<size_t>(h), Columns{w, 0}) {
  for (int64_t y = 0; y < h; ++y) {
    Columns& columns = columns_[static_cast<size_t>(y)];
    for (int64_t x = 0; x < w; ++x) {
      T at_cell[9];
      gram_adjoint_factors(grad_maps, h, w, y, x, at_cell);
      for (int k = 0; k < 9; ++k) factors_[static_cast<size_t>((k * h + y) * w + x)] = at_cell[k];
      if (std::all_of(at_cell, at_cell + 9, [](T factor) { return factor == 0; })) continue;
      columns = {std::min(columns.begin, x), x + 1};
    }
  }
}

template <class T>
void GramAdjoint<T>::add(const T* f, T* out, int64_t channels) const {
  with_vectors(instruction_set(), [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    // Channels of a group share the loads of the factors.
    in_groups<8>(channels, [&]<int Channels>(int64_t c) BOXSEG_ALWAYS_INLINE {
      const int64_t at = c * h_ * w_;
      for (int64_t y = 0; y < h_; ++y) {
        const auto [begin, end] = columns_[static_cast<size_t>(y)];
        gram_adjoint_row<Channels, bytes / sizeof(T)>(f + at, out + at, factors_.data(), h_, w_, y, begin, end);
      }
    });
  });
}

template class GramAdjoint<float>;
template class GramAdjoint<double>;

namespace {

template <class T>
void gram_maps_cpu(const T* f, T* out, int64_t n, int64_t channels, int64_t h, int64_t w) {
  std::vector<GramSums<T>> sums(static_cast<size_t>(n), GramSums<T>(channels, h, w, all_cells(h * w)));
  const int64_t blocks = sums[0].blocks(), image_size = channels * h * w;
  for_each_in_torch_pool(n * blocks, [&](int64_t i) {
    sums[static_cast<size_t>(i / blocks)].add(f + i / blocks * image_size, i % blocks);
  });
  for_each_in_torch_pool(n, [&](int64_t i) { sums[static_cast<size_t>(i)].write(out + i * 5 * h * w); });
}

template <class T>
void add_gram_maps_backward_cpu(const T* g, const T* f, T* out, int64_t n, int64_t channels, int64_t h, int64_t w) {
  std::vector<std::optional<GramAdjoint<T>>> adjoints(static_cast<size_t>(n));
  for_each_in_torch_pool(n, [&](int64_t i) { adjoints[static_cast<size_t>(i)].emplace(g + i * 5 * h * w, h, w); });
  constexpr int64_t kPiece = 32;  // channels in one piece of work
  const int64_t pieces = (channels + kPiece - 1) / kPiece;
  for_each_in_torch_pool(n * pieces, [&](int64_t i) {
    const int64_t image = i / pieces, first = i % pieces * kPiece, at = (image * channels + first) * h * w;
    adjoints[static_cast<size_t>(image)]->add(f + at, out + at, std::min(kPiece, channels - first));
  });
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
    if (!takes_device_path(features)) return gram_maps_cpu(f, out, n, channels, h, w);
    const c10::DeviceGuard guard(features.device());
    launches::gram_maps(queue_of(features), f, out, n, channels, h, w);
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
    if (!takes_device_path(features)) return add_gram_maps_backward_cpu(g, f, out, n, channels, h, w);
    const c10::DeviceGuard guard(features.device());
    launches::add_gram_maps_backward(queue_of(features), g, f, out, n, channels, h, w);
  });
}

at::Tensor gram_maps_backward(const at::Tensor& grad_maps, const at::Tensor& features) {
  at::Tensor grad = at::zeros(features.sizes(), features.options().memory_format(at::MemoryFormat::Contiguous));
  add_gram_maps_backward(grad, grad_maps, features);
  return grad;
}

}  // namespace boxseg
