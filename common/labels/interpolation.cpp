#include "common/labels/interpolation.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

constexpr int64_t kRowsPerPiece = 16;

std::vector<AxisPoint> axis(int64_t cells, int64_t pixels) {
  std::vector<AxisPoint> points(static_cast<size_t>(pixels));
  for (int64_t i = 0; i < pixels; ++i) points[static_cast<size_t>(i)] = axis_point(i, cells, pixels);
  return points;
}

}  // namespace

Interpolation::Interpolation(ImageSize cells, ImageSize pixels, int threads)
    : cells_(cells), pixels_(pixels), threads_(threads) {
  ensure(cells.height >= 1 && cells.width >= 1 && pixels.height >= 1 && pixels.width >= 1,
         "interpolation: from {}x{} cells to {}x{} pixels", cells.height, cells.width, pixels.height, pixels.width);
  rows_ = axis(cells.height, pixels.height);
  columns_ = axis(cells.width, pixels.width);
}

void Interpolation::map(const float* map, float* out) const {
  parallel_for(pixels_.height, kRowsPerPiece, threads_, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y)
      for (int64_t x = 0; x < pixels_.width; ++x)
        out[y * pixels_.width + x] = interpolate_at(map, cells_.height, cells_.width, rows_[static_cast<size_t>(y)],
                                                    columns_[static_cast<size_t>(x)]);
  });
}

void Interpolation::norm(const float* gram, float* out) const {
  parallel_for(pixels_.height, kRowsPerPiece, threads_, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y)
      for (int64_t x = 0; x < pixels_.width; ++x) {
        const float squared = interpolated_squared_norm(
            gram, cells_.height, cells_.width, rows_[static_cast<size_t>(y)], columns_[static_cast<size_t>(x)]);
        out[y * pixels_.width + x] = std::max(std::sqrt(squared), 1e-12f);
      }
  });
}

std::vector<double> Interpolation::adjoint(const std::vector<int32_t>& group_of_pixel, int64_t groups) const {
  const int64_t w = cells_.width, area = cells_.height * cells_.width;
  ensure(static_cast<int64_t>(group_of_pixel.size()) == pixels_.height * pixels_.width,
         "adjoint: {} pixels, expected {}x{}", group_of_pixel.size(), pixels_.height, pixels_.width);
  std::vector<double> weights(static_cast<size_t>(groups * area), 0.0);
  const int32_t* group = group_of_pixel.data();
  for (int64_t y = 0; y < pixels_.height; ++y) {
    const AxisPoint row = rows_[static_cast<size_t>(y)];
    const double on_upper = 1.f - row.weight, on_lower = row.weight;
    const int64_t upper = row.cell * w, lower = row.cell + 1 < cells_.height ? upper + w : upper;
    for (int64_t x = 0; x < pixels_.width; ++x, ++group) {
      if (*group < 0) continue;
      const AxisPoint column = columns_[static_cast<size_t>(x)];
      const double on_left = 1.f - column.weight, on_right = column.weight;
      const int64_t left = column.cell, right = column.cell + 1 < w ? left + 1 : left;
      double* out = weights.data() + *group * area;
      out[upper + left] += on_upper * on_left;
      out[upper + right] += on_upper * on_right;
      out[lower + left] += on_lower * on_left;
      out[lower + right] += on_lower * on_right;
    }
  }
  return weights;
}

std::vector<int64_t> count_groups(const std::vector<int32_t>& group_of_pixel, int64_t groups) {
  std::vector<int64_t> counts(static_cast<size_t>(groups), 0);
  for (const int32_t g : group_of_pixel)
    if (g >= 0) ++counts[static_cast<size_t>(g)];
  return counts;
}

}  // namespace boxseg
