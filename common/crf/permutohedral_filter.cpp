// Filtering with a lattice that has been built: splat, blur, slice.
#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/error.h"
#include "common/base/parallel.h"
#include "common/crf/permutohedral.h"
#include "common/crf/simd.h"

namespace boxseg::crf {
namespace {

constexpr int64_t kGrainVertices = 8192, kGrainPoints = 2048;

// Adds rows of all points to their vertices in `count` classes. vertex, weight: of the first point and class;
// stride: from one group of points to the next.
template <class R, int count>
void splat_classes(const float* rows, const uint32_t* vertex, const float* weight, int64_t stride, int64_t points,
                   float* values) {
  for (int64_t first = 0; first < points; first += kGroup, vertex += stride, weight += stride) {
    const int lanes = static_cast<int>(std::min<int64_t>(kGroup, points - first));
    const bool has_next = R::kWidth > 1 && first + kGroup < points;
    for (int l = 0; l < lanes; ++l) {
      if (has_next)
        for (int r = 0; r < count; ++r)
          __builtin_prefetch(values + static_cast<int64_t>(vertex[stride + r * kGroup + l]) * R::kWidth);
      const R row = R::load(rows + (first + l) * R::kWidth);
      for (int r = 0; r < count; ++r) {
        float* at = values + static_cast<int64_t>(vertex[r * kGroup + l]) * R::kWidth;
        R sum = R::load(at);
        sum.add_scaled(weight[r * kGroup + l], row);
        sum.store(at);
      }
    }
  }
}

template <class R>
void blur_axis(const float* old_values, const uint32_t* neighbours, int64_t from, int64_t to, float* new_values) {
  for (int64_t v = from; v < to; ++v) {
    R value = R::load(old_values + v * R::kWidth);
    R sides = R::load(old_values + static_cast<int64_t>(neighbours[v * 2]) * R::kWidth);
    sides.add_scaled(1.0f, R::load(old_values + static_cast<int64_t>(neighbours[v * 2 + 1]) * R::kWidth));
    value.add_scaled(0.5f, sides);
    value.store(new_values + v * R::kWidth);
  }
}

// values: [M+1, width], blurred.
template <class R, int classes>
void slice_points(float* rows, const uint32_t* vertex, const float* weight, const float* values, float factor,
                  int64_t points) {
  for (int64_t first = 0; first < points; first += kGroup, vertex += classes * kGroup, weight += classes * kGroup) {
    const int lanes = static_cast<int>(std::min<int64_t>(kGroup, points - first));
    const bool has_next = R::kWidth > 1 && first + kGroup < points;
    for (int l = 0; l < lanes; ++l) {
      if (has_next)
        for (int r = 0; r < classes; ++r)
          __builtin_prefetch(values + static_cast<int64_t>(vertex[(classes + r) * kGroup + l]) * R::kWidth);
      R sum = R::zero();
      for (int r = 0; r < classes; ++r)
        sum.add_scaled(weight[r * kGroup + l],
                       R::load(values + static_cast<int64_t>(vertex[r * kGroup + l]) * R::kWidth));
      float* at = rows + (first + l) * R::kWidth;
      R total = R::load(at);
      total.add_scaled(factor, sum);
      total.store(at);
    }
  }
}

}  // namespace

template <class R>
void PermutohedralLattice::splat(const float* rows, int threads, float* values) const {
  const int classes = dimensions_ + 1;
  const int together = threads == 1 ? classes : classes == 6 && threads <= 3 ? 6 / threads : 1;
  const int64_t stride = classes * kGroup;
  parallel_for(vertices_, kGrainVertices, threads, [&](int64_t from, int64_t to) {
    std::fill(values + from * R::kWidth, values + to * R::kWidth, 0.0f);
  });
  parallel_for(classes / together, 1, threads, [&](int64_t from, int64_t to) {
    for (int64_t task = from; task < to; ++task) {
      const int64_t first = task * together;
      const uint32_t* vertex = vertex_.data() + first * kGroup;
      const float* weight = weight_.data() + first * kGroup;
      switch (together) {
        case 6: splat_classes<R, 6>(rows, vertex, weight, stride, points_, values); break;
        case 3: splat_classes<R, 3>(rows, vertex, weight, stride, points_, values); break;
        case 2: splat_classes<R, 2>(rows, vertex, weight, stride, points_, values); break;
        default: splat_classes<R, 1>(rows, vertex, weight, stride, points_, values); break;
      }
    }
  });
}

template <class R>
void PermutohedralLattice::blur(int threads, VertexValues& space) const {
  R::zero().store(space.values.data() + vertices_ * R::kWidth);
  R::zero().store(space.blurred.data() + vertices_ * R::kWidth);
  for (int axis = 0; axis <= dimensions_; ++axis) {
    const uint32_t* neighbours = neighbours_.data() + axis * vertices_ * 2;
    parallel_for(vertices_, kGrainVertices, threads, [&](int64_t from, int64_t to) {
      blur_axis<R>(space.values.data(), neighbours, from, to, space.blurred.data());
    });
    std::swap(space.values, space.blurred);
  }
}

void PermutohedralLattice::splat_and_blur(const float* rows, int width, int threads, VertexValues& space) const {
  space.values.reserve((vertices_ + 1) * width);
  space.blurred.reserve((vertices_ + 1) * width);
  with_row_type(width, [&](auto row) {
    splat<decltype(row)>(rows, threads, space.values.data());
    blur<decltype(row)>(threads, space);
  });
}

void PermutohedralLattice::slice(const VertexValues& space, float* rows, int width, float factor, int64_t from,
                                 int64_t to) const {
  ensure(from % kGroup == 0, "slice: starts at point {}, expected a multiple of {}", from, kGroup);
  const int classes = dimensions_ + 1;
  const uint32_t* vertex = vertex_.data() + from * classes;
  const float* weight = weight_.data() + from * classes;
  with_row_type(width, [&](auto row) {
    using R = decltype(row);
    if (classes == 3)
      slice_points<R, 3>(rows, vertex, weight, space.values.data(), factor, to - from);
    else
      slice_points<R, 6>(rows, vertex, weight, space.values.data(), factor, to - from);
  });
}

float PermutohedralLattice::alpha() const { return 1.0f / (1.0f + std::pow(2.0f, static_cast<float>(-dimensions_))); }

void PermutohedralLattice::filter_ones(float* result, int threads, VertexValues& space) const {
  std::fill_n(result, points_, 1.0f);
  splat_and_blur(result, 1, threads, space);
  std::fill_n(result, points_, 0.0f);
  parallel_for(points_, kGrainPoints, threads,
               [&](int64_t from, int64_t to) { slice(space, result + from, 1, alpha(), from, to); });
}

void PermutohedralLattice::scale_weights(const float* scale, int threads) {
  const int classes = dimensions_ + 1;
  parallel_for(points_, kGrainPoints, threads, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p)
      for (int r = 0; r < classes; ++r) weight_[(p / kGroup * classes + r) * kGroup + p % kGroup] *= scale[p];
  });
}

int64_t PermutohedralLattice::bytes() const {
  return vertex_.bytes() + weight_.bytes() + neighbours_.bytes();
}

}  // namespace boxseg::crf
