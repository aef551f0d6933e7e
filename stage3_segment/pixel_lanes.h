// Eight pixels at a time, one per lane, in T = float or double: exponentials, logarithms and sums. double, which only
// checks float, takes them from the C library.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "common/simd/exp_log.h"
#include "common/simd/wide.h"

namespace boxseg {

inline constexpr int kPixelLanes = 8;
template <class T>
using PixelLanes = Wide<T, kPixelLanes>;

template <class T>
PixelLanes<T> spread(T x) {
  return PixelLanes<T>{x, x, x, x, x, x, x, x};
}

// x must not be above 0, which a softmax never asks.
inline PixelLanes<float> exp_of(const PixelLanes<float>& x) { return exp_for_softmax(x); }
inline PixelLanes<double> exp_of(PixelLanes<double> x) {
  for (int i = 0; i < kPixelLanes; ++i) x[i] = std::exp(x[i]);
  return x;
}

// Of normal positive numbers.
inline PixelLanes<float> log_of(const PixelLanes<float>& x) { return log_of_positive(x); }
inline PixelLanes<double> log_of(PixelLanes<double> x) {
  for (int i = 0; i < kPixelLanes; ++i) x[i] = std::log(x[i]);
  return x;
}

template <class T>
struct FourSums {
  T of_a, of_b, of_c, of_d;
};
// Adds up the lanes of a, b, c and d, each on its own.
template <class T>
FourSums<T> sums_over_lanes(const PixelLanes<T>& a, const PixelLanes<T>& b, const PixelLanes<T>& c,
                            const PixelLanes<T>& d) {
  const auto pairs = [](const PixelLanes<T>& u, const PixelLanes<T>& v) {
    return __builtin_shufflevector(u, v, 0, 2, 8, 10, 4, 6, 12, 14) +
           __builtin_shufflevector(u, v, 1, 3, 9, 11, 5, 7, 13, 15);
  };
  const PixelLanes<T> sums = pairs(pairs(a, b), pairs(c, d));  // each adds up lanes 0 to 3, then lanes 4 to 7
  return {sums[0] + sums[4], sums[1] + sums[5], sums[2] + sums[6], sums[3] + sums[7]};
}

}  // namespace boxseg
