#include "stage3_segment/cosine_scores.h"

#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/map_products.h"
#include "common/ops/torch_pool.h"
#include "common/simd/write_through.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kNormFloor = 1e-12;  // the floor of F.normalize

// Returns 1/|x| over dim 1, and 0 where the vector is (as good as) zero.
at::Tensor inverse_norm(const at::Tensor& x) {
  const at::Tensor norm = at::linalg_vector_norm(x, 2, {1}, /*keepdim=*/true);
  const at::Tensor is_zero = norm <= kNormFloor;
  return norm.masked_fill(is_zero, 1).reciprocal().masked_fill(is_zero, 0);
}

// Computes for one image the products of unit weights with each cell's features, divided by their norm, and 1/norm,
// which is 0 as above. weights: [K,C], f: [C,area], scores: [K,area], inverse: [area].
template <class T>
void score_cells(const T* weights, int64_t classes, const T* f, int64_t channels, int64_t area, T* scores, T* inverse) {
  // ^ So many channels stay in the cache for both products and norms.
  constexpr int64_t kPiece = CellProducts<T>::kChannelsTogether;
  CellProducts<T> products(classes, all_cells(area), area);
  std::fill_n(inverse, area, T(0));
  for (int64_t first = 0; first < channels; first += kPiece) {
    const int64_t last = std::min(first + kPiece, channels);
    products.add(weights + first, channels, f + first * area, last - first, {f + last * area, (last - first) * area});
    for (int64_t c = first; c < last; ++c)
      for (int64_t i = 0; i < area; ++i) inverse[i] += f[c * area + i] * f[c * area + i];
  }
  for (int64_t i = 0; i < area; ++i) {
    const T norm = std::sqrt(inverse[i]);
    inverse[i] = norm > T(kNormFloor) ? 1 / norm : T(0);
  }
  products.write(scores);
  for (int64_t k = 0; k < classes; ++k)
    for (int64_t i = 0; i < area; ++i) scores[k * area + i] *= inverse[i];
}

// With unit weights u and inverse norms v: s = v <u, f>; ds/df = v (u - s v f), ds/du = v f. The norm of a weight is
// left to LibTorch.
struct CellCosines : torch::autograd::Function<CellCosines> {
  // features: [N,C,h,w], contiguous; unit_weight: [K,C].
  static at::Tensor forward(AutogradContext* context, const at::Tensor& features, const at::Tensor& unit_weight) {
    const int64_t n = features.size(0), channels = features.size(1), area = features.size(2) * features.size(3);
    const int64_t classes = unit_weight.size(0);
    const at::Tensor u = unit_weight.contiguous();
    at::Tensor scores = at::empty({n, classes, features.size(2), features.size(3)}, features.options());
    const at::Tensor inverse = at::empty({n, area}, features.options());
    AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "cosine_scores", [&] {
      const auto* f = features.const_data_ptr<scalar_t>();
      const auto* weights = u.const_data_ptr<scalar_t>();
      auto* s = scores.mutable_data_ptr<scalar_t>();
      auto* v = inverse.mutable_data_ptr<scalar_t>();
      for_each_in_torch_pool(n, [&](int64_t i) {
        score_cells(weights, classes, f + i * channels * area, channels, area, s + i * classes * area, v + i * area);
      });
    });
    context->save_for_backward({features, u, inverse, scores});
    return scores;
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &features = saved[0], &u = saved[1], grad = from[0].contiguous();
    const int64_t n = features.size(0), channels = features.size(1), area = features.size(2) * features.size(3);
    const int64_t classes = u.size(0);
    // weight_parts holds the gradient of each image, [N,K,C].
    at::Tensor grad_features, weight_parts;
    if (context->needs_input_grad(0)) grad_features = at::empty_like(features);
    if (context->needs_input_grad(1)) weight_parts = at::empty({n, classes, channels}, features.options());
    AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "cosine_scores_backward", [&] {
      using T = scalar_t;
      for_each_in_torch_pool(n, [&](int64_t i) {
        const T* f = features.const_data_ptr<T>() + i * channels * area;
        const T *g = grad.const_data_ptr<T>() + i * classes * area,
                *s = saved[3].const_data_ptr<T>() + i * classes * area;
        const T* v = saved[2].const_data_ptr<T>() + i * area;
        std::vector<T> slopes(static_cast<size_t>(classes * area));  // v g
        std::vector<T> along(static_cast<size_t>(area), T(0));       // -v^2 sum of g s
        for (int64_t k = 0; k < classes * area; k += area)
          for (int64_t cell = 0; cell < area; ++cell) {
            slopes[static_cast<size_t>(k + cell)] = g[k + cell] * v[cell];
            along[static_cast<size_t>(cell)] -= g[k + cell] * s[k + cell] * v[cell] * v[cell];
          }
        const CellRuns cells = all_cells(area);
        PackedRows<T> packed(cells, area, weight_parts.defined() ? classes : 0);
        if (weight_parts.defined()) packed.pack(slopes.data(), classes);
        // Features and gradient of so many channels stay in the cache.
        constexpr int64_t kPiece = 24;
        std::vector<T> piece(static_cast<size_t>(grad_features.defined() ? kPiece * area : 0));
        for (int64_t first = 0; first < channels; first += kPiece) {
          const int64_t last = std::min(first + kPiece, channels);
          if (weight_parts.defined())
            products_at_channels(packed, classes, f, channels, first, last,
                                 weight_parts.mutable_data_ptr<T>() + i * classes * channels);
          if (!grad_features.defined()) continue;
          for (int64_t c = 0; c < last - first; ++c)
            for (int64_t cell = 0; cell < area; ++cell)
              piece[static_cast<size_t>(c * area + cell)] =
                  f[(first + c) * area + cell] * along[static_cast<size_t>(cell)];
          add_outer_products(u.const_data_ptr<T>(), slopes.data(), classes, channels, area, cells, first, last,
                             piece.data(), {f + last * area, (last - first) * area});
          write_through(grad_features.mutable_data_ptr<T>() + (i * channels + first) * area, piece.data(),
                        (last - first) * area * static_cast<int64_t>(sizeof(T)));
        }
      });
    });
    return {grad_features, weight_parts.defined() ? weight_parts.sum(0) : weight_parts};
  }
};

// Computes the same by LibTorch's products, wherever the features are, in float32 whatever --precision says, forth and
// back.
struct DeviceCosines : torch::autograd::Function<DeviceCosines> {
  // features: [N,C,h,w], contiguous; unit_weight: [K,C].
  static at::Tensor forward(AutogradContext* context, const at::Tensor& features, const at::Tensor& unit_weight) {
    const at::NoTF32Guard no_tf32;
    const at::Tensor flat = features.flatten(2), inverse = inverse_norm(flat);
    const at::Tensor scores = at::matmul(unit_weight, flat).mul_(inverse);  // [N,K,h*w]
    context->save_for_backward({features, unit_weight, inverse, scores});
    return scores.view({features.size(0), unit_weight.size(0), features.size(2), features.size(3)});
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const at::NoTF32Guard no_tf32;
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &features = saved[0], &u = saved[1], &inverse = saved[2], &scores = saved[3];
    const at::Tensor flat = features.flatten(2), grad = from[0].flatten(2), slopes = grad * inverse;
    at::Tensor grad_features, grad_weight;
    if (context->needs_input_grad(0)) {
      const at::Tensor along = (slopes * scores).sum(1, /*keepdim=*/true).mul_(inverse);  // [N,1,h*w]
      grad_features = at::matmul(u.t(), slopes).sub_(flat * along).view(features.sizes());
    }
    if (context->needs_input_grad(1)) grad_weight = at::bmm(slopes, flat.transpose(1, 2)).sum(0);
    return {grad_features, grad_weight};
  }
};

}  // namespace

at::Tensor cosine_scores(const at::Tensor& features, const at::Tensor& weight) {
  const at::Tensor w = weight.dim() == 2 ? weight.unsqueeze(-1).unsqueeze(-1) : weight;
  ensure(features.dim() == 4 && w.dim() == 4 && w.size(1) == features.size(1),
         "cosine scores: features {} do not fit weights {}", fmt::join(features.sizes(), "x"),
         fmt::join(w.sizes(), "x"));
  const at::Tensor unit_weight = w * inverse_norm(w);
  const at::Tensor f = features.contiguous(), u = unit_weight.flatten(1);
  return takes_device_path(f) ? DeviceCosines::apply(f, u) : CellCosines::apply(f, u);
}

}  // namespace boxseg
