// Interpolates bilinearly with align_corners=True, point by point: it gives the full-resolution pixel (y,x) of a map
// that is known on h x w feature cells only. It computes in float32, in the order of torch's upsample_bilinear2d.
#pragma once
#include <cstdint>

#include "common/labels/squared_norm.h"
#include "common/simd/kernel.h"

namespace boxseg {

// A pixel's place on one axis: it lies between `cell` and `cell` + 1, whose weights are 1 - weight and weight. On the
// last cell the weight is 0 and there is no next one.
struct AxisPoint {
  int32_t cell = 0;
  float weight = 0;
};

BOXSEG_HD AxisPoint axis_point(int64_t pixel, int64_t cells, int64_t pixels) {
  const float step = pixels > 1 ? static_cast<float>(cells - 1) / static_cast<float>(pixels - 1) : 0.f;
  const float position = step * static_cast<float>(pixel);
  AxisPoint point;
  point.cell = static_cast<int32_t>(position);
  if (point.cell >= cells - 1) {
    point.cell = static_cast<int32_t>(cells - 1);
    return point;
  }
  point.weight = position - static_cast<float>(point.cell);
  return point;
}

// map: [h,w].
BOXSEG_HD float interpolate_at(const float* map, int64_t h, int64_t w, AxisPoint y, AxisPoint x) {
  const float* upper = map + y.cell * w;
  const float* lower = y.cell + 1 < h ? upper + w : upper;
  const int64_t left = x.cell, right = x.cell + 1 < w ? left + 1 : left;
  const float on_upper = (1.f - x.weight) * upper[left] + x.weight * upper[right];
  const float on_lower = (1.f - x.weight) * lower[left] + x.weight * lower[right];
  return (1.f - y.weight) * on_upper + y.weight * on_lower;
}

// Returns the squared length of the interpolated feature, which is never negative. gram: [5,h,w], see
// common/ops/gram_maps.h.
BOXSEG_HD float interpolated_squared_norm(const float* gram, int64_t h, int64_t w, AxisPoint y, AxisPoint x) {
  const float u = 1.f - y.weight, v = y.weight, l = 1.f - x.weight, r = x.weight;
  const float sum =
      squared_norm_at(gram, h * w, y.cell * w + x.cell, w, x.cell + 1 < w, y.cell + 1 < h, u * l, u * r, v * l, v * r);
  return sum > 0.f ? sum : 0.f;
}

}  // namespace boxseg
