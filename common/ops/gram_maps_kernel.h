// Does the arithmetic of gram_maps.h for a run of cells: V is a single number (CUDA, ends of rows) or a compiler vector
// of neighbouring cells of one row (CPU). Both give the same bits for a cell.
#pragma once
#include <cstdint>
#include <cstring>

#include "common/simd/kernel.h"

namespace boxseg {

// Channels are summed in blocks of this size in T, and the blocks in double, so that the rounding error stays that of
// one block.
inline constexpr int64_t kGramBlock = 64;

template <class V, class T>
BOXSEG_HD_INLINED void load_run(V& value, const T* from) {
  memcpy(&value, from, sizeof value);
}

// Adds to sums[0..4] the products of channels [0,channels) of the cells at f, whose neighbours lie `right` (1 or 0) and
// `lower` (w or 0) elements further. Sums of cells without that neighbour are meaningless: the caller stores 0 instead.
template <class V, class T>
BOXSEG_HD_INLINED void gram_products(const T* f, int64_t area, int64_t right, int64_t lower, int64_t channels,
                                     V* sums) {
  BOXSEG_FUSE_PRODUCTS
  V self_sum = sums[0], right_sum = sums[1], lower_sum = sums[2], falling_sum = sums[3], rising_sum = sums[4];
  for (int64_t c = 0; c < channels; ++c, f += area) {
    V here, east, south, southeast;
    load_run(here, f);
    load_run(east, f + right);
    load_run(south, f + lower);
    load_run(southeast, f + lower + right);
    self_sum += here * here;
    right_sum += here * east;
    lower_sum += here * south;
    falling_sum += here * southeast;
    rising_sum += east * south;
  }
  sums[0] = self_sum;
  sums[1] = right_sum;
  sums[2] = lower_sum;
  sums[3] = falling_sum;
  sums[4] = rising_sum;
}

// Finds the factors with which the 3x3 neighbours of cell (y,x) enter the gradient of its features, row-major from the
// upper left; they are 0 for neighbours outside. grad: one image's [5,h,w].
template <class T>
BOXSEG_HD void gram_adjoint_factors(const T* grad, int64_t h, int64_t w, int64_t y, int64_t x, T* factors) {
  const int64_t area = h * w, cell = y * w + x;
  const bool up = y > 0, down = y + 1 < h, left = x > 0, right = x + 1 < w;
  factors[0] = up && left ? grad[3 * area + cell - w - 1] : T(0);
  factors[1] = up ? grad[2 * area + cell - w] : T(0);
  factors[2] = up && right ? grad[4 * area + cell - w] : T(0);
  factors[3] = left ? grad[area + cell - 1] : T(0);
  factors[4] = 2 * grad[cell];
  factors[5] = right ? grad[area + cell] : T(0);
  factors[6] = down && left ? grad[4 * area + cell - 1] : T(0);
  factors[7] = down ? grad[2 * area + cell] : T(0);
  factors[8] = down && right ? grad[3 * area + cell] : T(0);
}

// Computes the gradients of `Channels` channels of the cells at f, `area` apart. up, down, left, right: element offsets
// to the neighbours; those outside the map have factor 0, and an offset to something that can be read. Factor k of the
// 3x3 lies at factors + k*stride.
template <int Channels, class V, class T>
BOXSEG_HD_INLINED void gram_adjoint(const T* f, int64_t area, int64_t up, int64_t down, int64_t left, int64_t right,
                                    const T* factors, int64_t stride, V* sums) {
  BOXSEG_FUSE_PRODUCTS
  const int64_t offsets[9] = {up + left, up, up + right, left, 0, right, down + left, down, down + right};
  for (int c = 0; c < Channels; ++c)
    sums[c] = V{};  // does not begin as the first product: of two products, either could be fused with the sum
  for (int k = 0; k < 9; ++k) {
    V factor;
    load_run(factor, factors + k * stride);
    for (int c = 0; c < Channels; ++c) {
      V value;
      load_run(value, f + c * area + offsets[k]);
      sums[c] += factor * value;
    }
  }
}

// --- Kernels (common/ops/launch.h) on images [N,C,h,w] ---

// Computes the five maps [N,5,h,w] of cell `index` of N*h*w.
template <class T>
BOXSEG_HD void gram_maps_of_cell(int64_t index, const T* features, T* maps, int64_t channels, int64_t h, int64_t w) {
  const int64_t area = h * w, image = index / area, cell = index % area;
  const bool has_right = cell % w + 1 < w, has_lower = cell / w + 1 < h;
  double totals[5] = {};
  for (int64_t c = 0; c < channels; c += kGramBlock) {
    T sums[5] = {};
    const int64_t count = channels - c < kGramBlock ? channels - c : kGramBlock;
    gram_products<T>(features + (image * channels + c) * area + cell, area, has_right ? 1 : 0, has_lower ? w : 0, count,
                     sums);
    for (int k = 0; k < 5; ++k) totals[k] += static_cast<double>(sums[k]);
  }
  T* out = maps + image * 5 * area + cell;
  out[0] = static_cast<T>(totals[0]);
  out[area] = has_right ? static_cast<T>(totals[1]) : T(0);
  out[2 * area] = has_lower ? static_cast<T>(totals[2]) : T(0);
  out[3 * area] = has_right && has_lower ? static_cast<T>(totals[3]) : T(0);
  out[4 * area] = has_right && has_lower ? static_cast<T>(totals[4]) : T(0);
}

inline constexpr int64_t kAdjointChannels = 16;  // so many share a cell's factors

BOXSEG_HD int64_t adjoint_groups(int64_t channels) { return (channels + kAdjointChannels - 1) / kAdjointChannels; }

// Adds the gradient of cell index % (h*w), in group index / (h*w) of N * adjoint_groups(), to out [N,C,h,w].
template <class T>
BOXSEG_HD void gram_adjoint_of_cell(int64_t index, const T* grad_maps, const T* features, T* out, int64_t channels,
                                    int64_t h, int64_t w) {
  const int64_t area = h * w, groups = adjoint_groups(channels);
  const int64_t cell = index % area, group = index / area % groups, image = index / area / groups;
  const int64_t y = cell / w, x = cell % w;
  T factors[9];
  gram_adjoint_factors(grad_maps + image * 5 * area, h, w, y, x, factors);
  const int64_t first = group * kAdjointChannels;
  const int64_t end = first + kAdjointChannels < channels ? first + kAdjointChannels : channels;
  for (int64_t c = first; c < end; ++c) {
    const int64_t at = (image * channels + c) * area + cell;
    T sum;
    gram_adjoint<1>(features + at, area, y > 0 ? -w : 0, y + 1 < h ? w : 0, x > 0 ? -1 : 0, x + 1 < w ? 1 : 0, factors,
                    1, &sum);
    out[at] += sum;
  }
}

}  // namespace boxseg
