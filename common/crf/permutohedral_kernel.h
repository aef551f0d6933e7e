// Does the arithmetic of the permutohedral lattice for single points (Adams, Baek and Davis, Eurographics 2010), in
// float32 and in the order of operations of pydensecrf, whose results it is to repeat.
//
// A point with D features is lifted onto the plane of D+1 coordinates that sum to 0. The lattice points around it, one
// for each remainder r = 0..D, have coordinates c_i = (D+1) q_i + r: q and r name a vertex. The last coordinate
// follows from the others.
//
// F, I and U stand for float, int32_t and uint64_t, or for vectors of them (rows.h), which treat several points at a
// time with the same roundings.
#pragma once
#include <cstdint>

#include "common/simd/kernel.h"
#if !defined(__CUDACC__)
#include "common/crf/rows.h"  // before the templates: built-in vectors have no namespace to look in
#endif

namespace boxseg::crf {

BOXSEG_HD int32_t one_if_less(float a, float b) { return a < b ? 1 : 0; }
BOXSEG_HD int32_t one_if_less(int32_t a, int32_t b) { return a < b ? 1 : 0; }
BOXSEG_HD float keep_if_equal(int32_t a, int32_t b, float value) { return a == b ? value : 0.0f; }
BOXSEG_HD int32_t to_integer(float a) { return static_cast<int32_t>(a); }
BOXSEG_HD float to_float(int32_t a) { return static_cast<float>(a); }
BOXSEG_HD uint64_t to_word(int32_t a) { return static_cast<uint64_t>(static_cast<int64_t>(a)); }

// These factors lift features; the blur of the lattice then has a standard deviation of 1 in each feature.
template <int D>
struct Elevation {
  float factor[D];
};

template <int D, class F, class I>
struct Simplex {
  I quotient[D + 1];  // q of the vertex with remainder 0
  I rank[D + 1];      // position of each coordinate in descending order, a permutation of 0..D
  F weight[D + 1];    // barycentric weight of the vertex with each remainder
};

// Finds the vertices around a point. Vertex r has quotient[i] - 1 where rank[i] > D - r, else quotient[i].
template <int D, class F, class I>
BOXSEG_HD void find_simplex(const F (&feature)[D], const Elevation<D>& elevation, Simplex<D, F, I>& s) {
  constexpr float kUp = D + 1, kDown = 1.0f / (D + 1);
  // Adding and taking away 1.5 * 2^23 rounds to the nearest integer, ties to even, as the reference's SSE code does.
  constexpr float kRound = 12582912.0f;
  F lifted[D + 1], offset[D + 1];
  F sum = feature[D - 1] * elevation.factor[D - 1];
  lifted[D] = sum * static_cast<float>(-D);
  for (int j = D - 1; j > 0; --j) {
    const F scaled = feature[j - 1] * elevation.factor[j - 1];
    lifted[j] = sum - scaled * static_cast<float>(j);
    sum = sum + scaled;
  }
  lifted[0] = sum;
  I excess{};  // by how much the rounded point is off the plane, onto which it must come back
  for (int i = 0; i <= D; ++i) {
    const F rounded = (lifted[i] * kDown + kRound) - kRound;
    s.quotient[i] = to_integer(rounded);
    offset[i] = lifted[i] - rounded * kUp;
    excess = excess + s.quotient[i];
    s.rank[i] = I{};
  }
  for (int i = 0; i < D; ++i)
    for (int j = i + 1; j <= D; ++j) {
      const I is_less = one_if_less(offset[i], offset[j]);
      s.rank[i] = s.rank[i] + is_less;
      s.rank[j] = s.rank[j] + (1 - is_less);
    }
  F by_rank[D + 1];
  for (int i = 0; i <= D; ++i) by_rank[i] = F{};
  for (int i = 0; i <= D; ++i) {
    const I rank = s.rank[i] + excess;
    const I step = one_if_less(rank, I{}) - one_if_less(I{} + D, rank);
    s.rank[i] = rank + step * (D + 1);
    s.quotient[i] = s.quotient[i] + step;
    const F part = (lifted[i] - to_float(s.quotient[i]) * kUp) * kDown;
    for (int k = 0; k <= D; ++k) by_rank[k] = by_rank[k] + keep_if_equal(s.rank[i], I{} + k, part);
  }
  s.weight[0] = by_rank[D] + (1.0f - by_rank[0]);
  for (int r = 1; r <= D; ++r) s.weight[r] = by_rank[D - r] - by_rank[D - r + 1];
}

// Names a vertex by one integer, within its remainder class: mixed-radix digits q_0 - q_1, q_1 - q_2, ... and the last
// quotient itself. The first digits depend on the first features alone, so that for features (x, y, colours) vertices
// in ascending order run through the image in strips. A step along a lattice axis adds a constant.
template <int D>
struct VertexKeys {
  uint64_t factor[D];  // what each quotient is multiplied by
  uint64_t origin;     // makes the smallest key positive
  uint64_t cells = 0;  // all keys are smaller
  int bits = 0;        // no key needs more; 0: more than 62
};

// Returns the key of the vertex with remainder 0.
template <int D, class F, class I, class U>
BOXSEG_HD U first_key(const Simplex<D, F, I>& s, const VertexKeys<D>& keys, U zero) {
  U key = zero + keys.origin;
  for (int i = 0; i < D; ++i) key = key + to_word(s.quotient[i]) * keys.factor[i];
  return key;
}

// Says which of the first D quotients are smaller by 1 in the vertices with remainders 1 .. D, in D bits each.
template <int D, class F, class I>
BOXSEG_HD I lowered_quotients(const Simplex<D, F, I>& s) {
  I one_in_each{}, bits{};
  for (int r = 0; r < D; ++r) one_in_each = one_in_each + (1 << (D * r));
  for (int i = 0; i < D; ++i) bits = bits | ((one_in_each << ((I{} + D - s.rank[i]) * D)) << i);
  return bits;  // those beyond D * D mean nothing
}

// Returns what a step along `axis` (0..D) adds to a key. It leads into the class of the next smaller remainder (D after
// 0): coordinate `axis` grows by D, all others shrink by 1.
template <int D>
BOXSEG_HD uint64_t key_step(const VertexKeys<D>& keys, int remainder, int axis) {
  uint64_t step = axis < D ? keys.factor[axis] : 0;
  if (remainder == 0)
    for (int i = 0; i < D; ++i) step -= keys.factor[i];
  return step;
}

}  // namespace boxseg::crf
