// Exponentials and logarithms of several floats at a time, by the methods of Cephes' expf and logf. V is a Wide<float>
// of any number of lanes.
//
// There are two exponentials of one series, since each has bits that the other cannot give. The CRF's are golden:
// products and sums round one by one, and the least terms are 0. The losses' fuse the two, which halves the series, and
// end at exp(-60), since products with less would be slow. What is fused is decided by the place where code stands, so
// that the loop over the series stands in both.
#pragma once
#include <cstdint>

#include "common/simd/wide.h"

namespace boxseg {

// log2(e), and ln 2 as a sum whose larger part has few bits, so that its products with small integers are exact.
inline constexpr float kLog2E = 1.44269504088896341f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;

// The factors of (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2, that of the highest power first.
inline constexpr float kExpSeries[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                       4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
inline constexpr int kExpTerms = sizeof kExpSeries / sizeof *kExpSeries;

// x = n ln 2 + rest for an integer n and |rest| <= ln 2 / 2.
template <class V>
struct ExpParts {
  static constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, which the low bits hold
  V shifted, rest;
  BOXSEG_INLINED V power_of_two() const {
    typedef decltype(shifted < V{}) Words;
    return (V)(((Words)shifted + (127 - 0x4B400000)) << 23);
  }
};

// exp(x) for x <= 0, within 2 units in the last place, and 0 below the smallest normal number. Products and sums round
// one by one, so that the CRF's results are the same bits on every machine.
template <class V>
BOXSEG_INLINED V exp_of_negative(const V& x) {
  constexpr float kLeast = -87.33654f;
  const V clipped = larger(x, spread_wide<V>(kLeast));
  const V shifted = clipped * kLog2E + ExpParts<V>::kRound, n = shifted - ExpParts<V>::kRound;
  const ExpParts<V> parts{shifted, (clipped - n * kLn2High) - n * kLn2Low};
  const V& rest = parts.rest;
  V y = spread_wide<V>(kExpSeries[0]);
  BOXSEG_UNROLL
  for (int i = 1; i < kExpTerms; ++i) y = y * rest + kExpSeries[i];
  y = y * (rest * rest) + rest + 1.0f;
  const V value = y * parts.power_of_two();
  return x < kLeast ? V{} : value;
}

// The same for a softmax whose losses need no golden bits: products and sums are fused, and below -60 the result is
// exp(-60). That is nothing beside the softmax's largest term, and products with it are not subnormal yet, each of
// which costs some CPUs a hundred cycles.
template <class V>
inline V exp_for_softmax(V x) {
  BOXSEG_FUSE_PRODUCTS
  const V low = spread_wide<V>(-60.0f);
  x = x > low ? x : low;
  const V shifted = x * kLog2E + ExpParts<V>::kRound, n = shifted - ExpParts<V>::kRound;
  const ExpParts<V> parts{shifted, (x - n * kLn2High) - n * kLn2Low};
  const V& rest = parts.rest;
  V y = spread_wide<V>(kExpSeries[0]);
  BOXSEG_UNROLL
  for (int i = 1; i < kExpTerms; ++i) y = y * rest + kExpSeries[i];
  y = (y * rest + 1.0f) * rest + 1.0f;
  return y * parts.power_of_two();
}

// log(x) of a normal x > 0, within 2 units in the last place or 1e-7 near 1: x = 2^n (1 + z) with 1 + z from sqrt(1/2)
// to sqrt(2), and a polynomial for log(1 + z).
template <class V>
BOXSEG_INLINED V log_of_positive(const V& x) {
  typedef decltype(x < V{}) Words;
  constexpr int32_t kRootOfHalf = 0x3F3504F3;
  const Words exponent = ((Words)x - kRootOfHalf) >> 23;
  const V n = __builtin_convertvector(exponent, V), z = (V)((Words)x - (exponent << 23)) - 1.0f;
  const V square = z * z;
  V y = z * 7.0376836292e-2f - 1.1514610310e-1f;
  y = y * z + 1.1676998740e-1f;
  y = y * z - 1.2420140846e-1f;
  y = y * z + 1.4249322787e-1f;
  y = y * z - 1.6668057665e-1f;
  y = y * z + 2.0000714765e-1f;
  y = y * z - 2.4999993993e-1f;
  y = y * z + 3.3333331174e-1f;
  y = y * z * square + n * kLn2Low;
  return z + (y - square * 0.5f) + n * kLn2High;
}

}  // namespace boxseg
