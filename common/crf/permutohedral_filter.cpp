// Filtering with a lattice that has been built: splat, blur, slice.
#include <cmath>
#include <cstring>

#include "common/base/error.h"
#include "common/base/parallel.h"
#include "common/crf/permutohedral.h"
#include "common/crf/simd.h"

namespace boxseg::crf {
namespace {

constexpr int64_t kGrain = 8192;  // vertices or points

template <class R>
void splat(const float* rows, int64_t stride, const uint32_t* begin, const uint32_t* point, const float* weight,
           int64_t from, int64_t to, float* values) {
  for (int64_t v = from; v < to; ++v) {
    R sum = R::zero();
    for (uint32_t e = begin[v]; e < begin[v + 1]; ++e) sum.add_scaled(weight[e], R::load(rows + point[e] * stride));
    sum.store(values + v * R::kWidth);
  }
}

template <class R>
void blur(const float* old_values, const uint32_t* neighbours, int64_t from, int64_t to, float* new_values) {
  for (int64_t v = from; v < to; ++v) {
    R value = R::load(old_values + v * R::kWidth);
    R sides = R::load(old_values + static_cast<int64_t>(neighbours[v * 2]) * R::kWidth);
    sides.add_scaled(1.0f, R::load(old_values + static_cast<int64_t>(neighbours[v * 2 + 1]) * R::kWidth));
    value.add_scaled(0.5f, sides);
    value.store(new_values + v * R::kWidth);
  }
}

}  // namespace

void PermutohedralLattice::splat_and_blur(const float* rows, int64_t stride, int width, int threads) {
  values_.reserve((vertices_ + 1) * width);
  blurred_.reserve((vertices_ + 1) * width);
  with_row_type(width, [&](auto row) {
    using R = decltype(row);
    R::zero().store(values_.data() + vertices_ * R::kWidth);
    R::zero().store(blurred_.data() + vertices_ * R::kWidth);
    parallel_for(vertices_, kGrain, threads, [&](int64_t from, int64_t to) {
      splat<R>(rows, stride, entry_begin_.data(), entry_point_.data(), entry_weight_.data(), from, to, values_.data());
    });
    for (int axis = 0; axis <= dimensions_; ++axis) {
      const uint32_t* neighbours = neighbours_.data() + static_cast<int64_t>(axis) * vertices_ * 2;
      parallel_for(vertices_, kGrain, threads, [&](int64_t from, int64_t to) {
        blur<R>(values_.data(), neighbours, from, to, blurred_.data());
      });
      std::swap(values_, blurred_);
    }
  });
}

void PermutohedralLattice::slice(float* rows, int64_t stride, int width, int64_t from, int64_t to) const {
  with_row_type(width, [&](auto row) {
    using R = decltype(row);
    const int corners = dimensions_ + 1;
    const float* weight = slice_weight_.data() + from * corners;
    const uint32_t* vertex = vertex_of_point_.data() + from * corners;
    for (int64_t p = from; p < to; ++p, weight += corners, vertex += corners) {
      R sum = R::zero();
      for (int r = 0; r < corners; ++r)
        sum.add_scaled(weight[r], R::load(values_.data() + static_cast<int64_t>(vertex[r]) * R::kWidth));
      R total = R::load(rows + p * stride);
      total.add_scaled(1.0f, sum);
      total.store(rows + p * stride);
    }
  });
}

float PermutohedralLattice::alpha() const { return 1.0f / (1.0f + std::pow(2.0f, static_cast<float>(-dimensions_))); }

void PermutohedralLattice::filter_ones(float* result, int threads) {
  std::fill_n(result, points_, 1.0f);
  splat_and_blur(result, 1, 1, threads);
  const float scale = alpha();
  const int corners = dimensions_ + 1;
  parallel_for(points_, kGrain, threads, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p) {
      float sum = 0;
      for (int r = 0; r < corners; ++r)
        sum += slice_weight_[p * corners + r] * values_[vertex_of_point_[p * corners + r]] * scale;
      result[p] = sum;
    }
  });
}

void PermutohedralLattice::scale_weights(const float* scale, float factor, int threads) {
  const int corners = dimensions_ + 1;
  const float all = alpha() * factor;
  parallel_for(points_, kGrain, threads, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p)
      for (int r = 0; r < corners; ++r) slice_weight_[p * corners + r] *= all * scale[p];
  });
  parallel_for(corners * entries_per_class_, kGrain, threads, [&](int64_t from, int64_t to) {
    for (int64_t e = from; e < to; ++e) entry_weight_[e] *= scale[entry_point_[e]];
  });
}

int64_t PermutohedralLattice::bytes() const {
  return vertex_of_point_.bytes() + slice_weight_.bytes() + entry_begin_.bytes() + entry_point_.bytes() +
         entry_weight_.bytes() + neighbours_.bytes() + values_.bytes() + blurred_.bytes();
}

}  // namespace boxseg::crf
