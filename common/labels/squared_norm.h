// Computes the length of a feature between the cells from Gram maps (common/ops/gram_maps.h), without its channels.
#pragma once
#include <cstdint>

#include "common/simd/kernel.h"

namespace boxseg {

// Returns |F|^2 at the point with upper-left cell index `cell` = y*w+x and weights w00 (y,x), w01 (y,x+1), w10, w11.
// Weights of cells outside the map must be 0. `maps` points at one image's [5,h,w]; area = h*w. The result may be
// slightly negative by rounding.
template <class T>
BOXSEG_HD T squared_norm_at(const T* maps, int64_t area, int64_t cell, int64_t w, bool has_right, bool has_lower, T w00,
                            T w01, T w10, T w11) {
  const int64_t right = has_right ? cell + 1 : cell, lower = has_lower ? cell + w : cell;
  const int64_t diagonal = has_right ? lower + 1 : lower;
  const T* self = maps;
  T sum = w00 * w00 * self[cell] + w01 * w01 * self[right] + w10 * w10 * self[lower] + w11 * w11 * self[diagonal];
  sum += 2 * (w00 * w01 * maps[area + cell] + w10 * w11 * maps[area + lower]);
  sum += 2 * (w00 * w10 * maps[2 * area + cell] + w01 * w11 * maps[2 * area + right]);
  sum += 2 * (w00 * w11 * maps[3 * area + cell] + w01 * w10 * maps[4 * area + cell]);
  return sum;
}

}  // namespace boxseg
