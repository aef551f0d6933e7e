// Eight floats at a time, for g++ and clang: arithmetic is element by element, as the scalar code would do it.
#pragma once
#include "common/nn/wide.h"

namespace boxseg {

using Lanes = Wide<float>;
inline constexpr int kLanes = kWideLanes<float>;

inline Lanes load_lanes(const float* p) { return load_wide<Lanes>(p); }
inline void store_lanes(float* p, Lanes v) { store_wide(p, v); }
inline Lanes spread(float x) { return Lanes{x, x, x, x, x, x, x, x}; }

}  // namespace boxseg
