// Five inner-product maps from which the norm of a bilinearly interpolated feature follows without the channels:
// |sum_a w_a f_a|^2 = sum_ab w_a w_b <f_a, f_b> over the four cells around a point.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "common/base/kernel.h"

namespace boxseg {

// features: [N,C,h,w] float32 or float64. Returns [N,5,h,w], per cell (y,x):
//   0: <f(y,x), f(y,x)>       1: with the right neighbour, <f(y,x), f(y,x+1)>    2: with the lower one, <f(y,x), f(y+1,x)>
//   3: <f(y,x), f(y+1,x+1)>   4: right with lower, <f(y,x+1), f(y+1,x)>
// Products that reach outside the map are 0. Plain values: no gradient is recorded. Equal bits for any number of threads.
at::Tensor gram_maps(const at::Tensor& features);

// The adjoint: gradient with respect to features [N,C,h,w] given that of the maps [N,5,h,w] (whose entries for products
// that reach outside are ignored).
at::Tensor gram_maps_backward(const at::Tensor& grad_maps, const at::Tensor& features);
// The same, added to grad_features [N,C,h,w], contiguous.
void add_gram_maps_backward(at::Tensor& grad_features, const at::Tensor& grad_maps, const at::Tensor& features);

// |F|^2 at the point with upper-left cell index `cell` = y*w+x and weights w00 (y,x), w01 (y,x+1), w10, w11. Weights of
// cells outside the map must be 0. maps points at one image's [5,h,w]; area = h*w; may be slightly negative by rounding.
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
