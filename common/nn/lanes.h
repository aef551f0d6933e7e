// Eight floats at a time, for g++ and clang: arithmetic is element by element, as the scalar code would do it.
#pragma once
#include <cstring>

namespace boxseg {

typedef float Lanes __attribute__((vector_size(32)));
inline constexpr int kLanes = 8;

inline Lanes load_lanes(const float* p) {
  Lanes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_lanes(float* p, Lanes v) { std::memcpy(p, &v, sizeof v); }
inline Lanes spread(float x) { return Lanes{x, x, x, x, x, x, x, x}; }
inline Lanes relu6_lanes(Lanes v) {
  const Lanes zero = spread(0), six = spread(6);
  v = v > zero ? v : zero;
  return v < six ? v : six;
}

}  // namespace boxseg
