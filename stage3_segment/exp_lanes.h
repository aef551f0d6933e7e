// Eight exponentials at a time. Cephes' expf: after x = k ln 2 + r with |r| <= ln 2 / 2, a polynomial in r; within 2
// units in the last place. Arguments below -87 give 0, above 88 exp(88): softmaxes need neither. Not exp(-87), since
// products of it are subnormal, and each of those costs some CPUs a hundred cycles.
#pragma once
#include <cstdint>
#include <cstring>

#include "common/nn/lanes.h"

namespace boxseg {

inline Lanes exp_lanes(Lanes x) {
  BOXSEG_FUSE_PRODUCTS
  typedef int32_t Words __attribute__((vector_size(32)));
  const Lanes low = spread(-87.0f), high = spread(88.0f), magic = spread(12582912.0f);  // 1.5 * 2^23: adding it rounds
  const auto is_tiny = x < low;
  x = is_tiny ? low : x;
  x = x < high ? x : high;
  const Lanes k = (x * spread(1.44269504f) + magic) - magic;
  const Lanes r = (x - k * spread(0.693359375f)) + k * spread(2.12194440e-4f);
  Lanes p = r * spread(1.9875691500e-4f) + spread(1.3981999507e-3f);
  p = p * r + spread(8.3334519073e-3f);
  p = p * r + spread(4.1665795894e-2f);
  p = p * r + spread(1.6666665459e-1f);
  p = p * r + spread(5.0000001201e-1f);
  p = p * (r * r) + r + spread(1.0f);
  const Words bits = (__builtin_convertvector(k, Words) + 127) << 23;
  Lanes power;
  std::memcpy(&power, &bits, sizeof power);
  return is_tiny ? spread(0) : p * power;
}

}  // namespace boxseg
