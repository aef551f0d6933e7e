// Eight floats at a time, for g++ and clang: arithmetic is element by element, as the scalar code would do it.
#pragma once
#include "common/nn/wide.h"

namespace boxseg {

using Lanes = Wide<float>;
inline constexpr int kLanes = kWideLanes<float>;

inline Lanes load_lanes(const float* p) { return load_wide<Lanes>(p); }
inline void store_lanes(float* p, Lanes v) { store_wide(p, v); }
inline Lanes spread(float x) { return Lanes{x, x, x, x, x, x, x, x}; }
// Of all eight, in three steps.
inline float sum_of_lanes(Lanes v) {
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
  return v[0] + v[1];
}
inline float largest_of_lanes(Lanes v) {
  const Lanes halves = __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v = v > halves ? v : halves;
  const Lanes pairs = __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
  v = v > pairs ? v : pairs;
  return v[0] > v[1] ? v[0] : v[1];
}

}  // namespace boxseg
