// Computes exponentials, logarithms and sums of eight pixels at a time, one per lane, in T = float or double. float
// uses Cephes' methods; double, which only checks float, uses those of the C library.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "common/simd/log_kernel.h"
#include "common/simd/wide.h"

namespace boxseg {

inline constexpr int kPixelLanes = 8;
template <class T>
using PixelLanes = Wide<T, kPixelLanes>;

template <class T>
PixelLanes<T> spread(T x) {
  return PixelLanes<T>{x, x, x, x, x, x, x, x};
}

// Returns exp(x). x must not be above 0, which a softmax never asks. x is split into k ln 2 + r with
// r| <= ln 2 / 2, and a polynomial in r is within 2 units in the last place. Below -60 the result is exp(-60): that is
// nothing beside the softmax's largest, and products with it are not subnormal yet, each of which costs some CPUs a
// hundred cycles.
inline PixelLanes<float> exp_of(PixelLanes<float> x) {
  BOXSEG_FUSE_PRODUCTS
  typedef int32_t Words __attribute__((vector_size(32)));
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, which the low bits then hold
  const auto low = spread(-60.0f);
  x = x > low ? x : low;
  const auto shifted = x * 1.44269504f + kRound, k = shifted - kRound;
  const auto r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
  auto p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r + 1.0f) * r + 1.0f;
  return p * (PixelLanes<float>)(((Words)shifted + (127 - 0x4B400000)) << 23);
}
inline PixelLanes<double> exp_of(PixelLanes<double> x) {
  for (int i = 0; i < kPixelLanes; ++i) x[i] = std::exp(x[i]);
  return x;
}

// Returns log(x); each x must be normal and positive.
inline PixelLanes<float> log_of(PixelLanes<float> x) {
  return crf::log_of_positive(crf::Floats<kPixelLanes>::of(x)).value;
}
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
