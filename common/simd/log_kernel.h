// Computes logarithms of several floats at a time.
#pragma once
#include "common/simd/floats.h"

namespace boxseg::crf {

// Returns log(x) of a normal x > 0, within 2 units in the last place or 1e-7 near 1. The method is that of Cephes'
// logf: x = 2^n (1 + z) with 1 + z from sqrt(1/2) to sqrt(2), and a polynomial for log(1 + z).
template <int lanes>
BOXSEG_INLINED Floats<lanes> log_of_positive(const Floats<lanes>& x) {
  using F = Floats<lanes>;
  using Vector = typename F::Vector;
  using Words = typename F::Words;
  constexpr int32_t kRootOfHalf = 0x3F3504F3;
  const Words exponent = (x.bits() - kRootOfHalf) >> 23;
  const F n = F::of(__builtin_convertvector(exponent, Vector)), z = F::of((Vector)(x.bits() - (exponent << 23))) - 1.0f;
  const F square = z * z;
  F y = z * 7.0376836292e-2f - 1.1514610310e-1f;
  y = y * z + 1.1676998740e-1f;
  y = y * z - 1.2420140846e-1f;
  y = y * z + 1.4249322787e-1f;
  y = y * z - 1.6668057665e-1f;
  y = y * z + 2.0000714765e-1f;
  y = y * z - 2.4999993993e-1f;
  y = y * z + 3.3333331174e-1f;
  y = y * z * square - n * 2.12194440e-4f;
  return z + (y - square * 0.5f) + n * 0.693359375f;
}

}  // namespace boxseg::crf
