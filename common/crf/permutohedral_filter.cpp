// Filters with a lattice that has been built: splat, blur, slice.
#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <utility>

#include "common/base/error.h"
#include "common/crf/permutohedral.h"
#include "common/crf/rows.h"
#include "common/runtime/parallel.h"

namespace boxseg::crf {
namespace {

constexpr int64_t kGrainVertices = 8192, kGrainPoints = 2048;

// Load and store the row of a point, which lies in one panel, or in two panels of four.
template <class R, class Value>
R load_row(const PointRows<Value>& rows, int64_t point) {
  if constexpr (R::kWidth == 8) {
    const auto first = Row<Float4>::load(rows.first + point * 4);
    const auto second = Row<Float4>::load(rows.first + rows.step + point * 4);
    return {__builtin_shufflevector(first.value, second.value, 0, 1, 2, 3, 4, 5, 6, 7)};
  } else {
    return R::load(rows.first + point * R::kWidth);
  }
}
template <class R>
void store_row(const PointRows<float>& rows, int64_t point, const R& row) {
  if constexpr (R::kWidth == 8) {
    Row<Float4>{__builtin_shufflevector(row.value, row.value, 0, 1, 2, 3)}.store(rows.first + point * 4);
    Row<Float4>{__builtin_shufflevector(row.value, row.value, 4, 5, 6, 7)}.store(rows.first + rows.step + point * 4);
  } else {
    row.store(rows.first + point * R::kWidth);
  }
}

// Adds rows of all points to their vertices in `count` classes. vertex, weight: at the first point and class; values:
// one array for each class; stride: from one group of points to the next.
template <class R, int count, class Index>
void splat_classes(const PointRows<const float>& rows, const Index* vertex, const float* weight, int64_t stride,
                   int64_t points, const std::array<float*, count>& values) {
  for (int64_t first = 0; first < points; first += kGroup, vertex += stride, weight += stride) {
    const int lanes = static_cast<int>(std::min<int64_t>(kGroup, points - first));
    const bool has_next = R::kWidth > 1 && first + kGroup < points;
    for (int l = 0; l < lanes; ++l) {
      if (has_next)
        for (size_t r = 0; r < count; ++r)
          __builtin_prefetch(values[r] + int64_t{vertex[stride + r * kGroup + l]} * R::kWidth);
      const R row = load_row<R>(rows, first + l);
      for (size_t r = 0; r < count; ++r) {
        float* at = values[r] + int64_t{vertex[r * kGroup + l]} * R::kWidth;
        R sum = R::load(at);
        sum.add_scaled(weight[r * kGroup + l], row);
        sum.store(at);
      }
    }
  }
}

// Blurs some vertices of one class, whose neighbours' values begin at below and above; pairs: see neighbours.h.
template <class R, class Distance>
void blur_block(const float* old_values, const float* below, const float* above, const Distance* pairs, int64_t count,
                float* new_values) {
  static constexpr float kZeros[R::kWidth] = {};
  const auto load_neighbour = [](const float* values, Distance distance) {
    const float* at = values + int64_t{distance} * R::kWidth;
    return R::load(distance == Neighbours::kNone<Distance> ? kZeros : at);
  };
  for (int64_t v = 0; v < count; ++v) {
    R value = R::load(old_values + v * R::kWidth);
    R sides = load_neighbour(below, pairs[v * 2]);
    sides.add_scaled(1.0f, load_neighbour(above, pairs[v * 2 + 1]));
    value.add_scaled(0.5f, sides);
    value.store(new_values + v * R::kWidth);
  }
}

// Adds to each point's row what its vertices give it. values: one blurred array for each class.
template <class R, int classes, class Index>
void slice_points(const PointRows<float>& rows, const Index* vertex, const float* weight,
                  const std::array<const float*, classes>& values, float factor, int64_t points) {
  for (int64_t first = 0; first < points; first += kGroup, vertex += classes * kGroup, weight += classes * kGroup) {
    const int lanes = static_cast<int>(std::min<int64_t>(kGroup, points - first));
    const bool has_next = R::kWidth > 1 && first + kGroup < points;
    for (int l = 0; l < lanes; ++l) {
      if (has_next)
        for (size_t r = 0; r < classes; ++r)
          __builtin_prefetch(values[r] + int64_t{vertex[(classes + r) * kGroup + l]} * R::kWidth);
      R sum = R::zero();
      for (size_t r = 0; r < classes; ++r)
        sum.add_scaled(weight[r * kGroup + l], R::load(values[r] + int64_t{vertex[r * kGroup + l]} * R::kWidth));
      R total = load_row<R>(rows, first + l);
      total.add_scaled(factor, sum);
      store_row(rows, first + l, total);
    }
  }
}

}  // namespace

template <class R, class Index>
void PermutohedralLattice::splat(const PointRows<const float>& rows, int threads, float* values) const {
  const int classes = dimensions_ + 1;
  const int together = threads == 1 ? classes : classes == 6 && threads <= 3 ? 6 / threads : 1;
  parallel_for(vertices_, kGrainVertices, threads,
               [&](int64_t from, int64_t to) { std::fill(values + from * R::kWidth, values + to * R::kWidth, 0.0f); });
  const auto splat_from = [&]<int count>(int first, std::integral_constant<int, count>) {
    std::array<float*, count> of_class;
    for (int r = 0; r < count; ++r) of_class[static_cast<size_t>(r)] = values + class_begin(first + r) * R::kWidth;
    splat_classes<R, count>(rows, vertex<Index>() + first * kGroup, weight_.data() + first * kGroup, classes * kGroup,
                            points_, of_class);
  };
  parallel_for(classes / together, 1, threads, [&](int64_t from, int64_t to) {
    for (int first = static_cast<int>(from) * together; first < to * together; first += together) switch (together) {
        case 6:
          splat_from(first, std::integral_constant<int, 6>{});
          break;
        case 3:
          splat_from(first, std::integral_constant<int, 3>{});
          break;
        case 2:
          splat_from(first, std::integral_constant<int, 2>{});
          break;
        default:
          splat_from(first, std::integral_constant<int, 1>{});
          break;
      }
  });
}

// Blurs along one axis after the other, from one array into the other and back.
template <class R>
void PermutohedralLattice::blur(int threads, float* from, float* to) const {
  for (int axis = 0; axis <= dimensions_; ++axis) {
    parallel_for(neighbours_.blocks(), kGrainVertices / Neighbours::kBlock, threads, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block)
        neighbours_.visit(axis, block,
                          [&](int64_t first, int64_t count, int64_t below, int64_t above, const auto* pairs) {
                            blur_block<R>(from + first * R::kWidth, from + below * R::kWidth, from + above * R::kWidth,
                                          pairs, count, to + first * R::kWidth);
                          });
    });
    std::swap(from, to);
  }
}

void PermutohedralLattice::splat_and_blur(const PointRows<const float>& rows, int threads, Buffer<float>& values,
                                          Buffer<float>& scratch) const {
  float *from = values.reserve(vertices_ * rows.columns()), *to = scratch.reserve(vertices_ * rows.columns());
  // The blur takes dimensions_ + 1 steps from one buffer to the other. Where that is odd, the first step starts in
  // `scratch`, so that the last ends in `values`.
  if (dimensions_ % 2 == 0) std::swap(from, to);
  with_row_type(rows.columns(), [&](auto row) {
    with_index_type([&](auto index) { splat<decltype(row), decltype(index)>(rows, threads, from); });
    blur<decltype(row)>(threads, from, to);
  });
}

void PermutohedralLattice::slice(const Buffer<float>& values, const PointRows<float>& rows, float factor, int64_t from,
                                 int64_t to) const {
  ensure(from % kGroup == 0, "slice: starts at point {}, expected a multiple of {}", from, kGroup);
  const auto slice_classes = [&]<class R, class Index, int classes>(R, Index, std::integral_constant<int, classes>) {
    std::array<const float*, classes> of_class;
    for (int r = 0; r < classes; ++r) of_class[static_cast<size_t>(r)] = values.data() + class_begin(r) * R::kWidth;
    slice_points<R, classes>(rows.from(from), vertex<Index>() + from * classes, weight_.data() + from * classes,
                             of_class, factor, to - from);
  };
  with_row_type(rows.columns(), [&](auto row) {
    with_index_type([&](auto index) {
      if (dimensions_ == 2)
        slice_classes(row, index, std::integral_constant<int, 3>{});
      else
        slice_classes(row, index, std::integral_constant<int, 6>{});
    });
  });
}

float PermutohedralLattice::alpha() const { return 1.0f / (1.0f + std::pow(2.0f, static_cast<float>(-dimensions_))); }

void PermutohedralLattice::filter_ones(float* result, int threads, Buffer<float>& values,
                                       Buffer<float>& scratch) const {
  std::fill_n(result, points_, 1.0f);
  splat_and_blur({result}, threads, values, scratch);
  std::fill_n(result, points_, 0.0f);
  parallel_for(points_, kGrainPoints, threads,
               [&](int64_t from, int64_t to) { slice(values, {result}, alpha(), from, to); });
}

void PermutohedralLattice::scale_weights(const float* scale, int threads) {
  const int classes = dimensions_ + 1;
  parallel_for(points_, kGrainPoints, threads, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p)
      for (int r = 0; r < classes; ++r) weight_[(p / kGroup * classes + r) * kGroup + p % kGroup] *= scale[p];
  });
}

int64_t PermutohedralLattice::bytes() const { return vertex_.bytes() + weight_.bytes() + neighbours_.bytes(); }

}  // namespace boxseg::crf
