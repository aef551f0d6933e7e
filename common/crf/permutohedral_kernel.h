// The arithmetic of the permutohedral lattice for single points (Adams, Baek and Davis, Eurographics 2010), in float32
// and in the order of operations of pydensecrf, whose results it is to repeat.
//
// A point with D features is lifted onto the plane of D+1 coordinates that sum to 0. The lattice points around it, one
// for each remainder r = 0..D, have coordinates c_i = (D+1) q_i + r: q and r name a vertex. The last coordinate
// follows from the others.
#pragma once
#include <cstdint>

#include "common/base/kernel.h"

namespace boxseg::crf {

// Factors that lift features; the blur of the lattice then has a standard deviation of 1 in each feature.
template <int D>
struct Elevation {
  float factor[D];
};

// Where L points lie: lanes are innermost, so that a compiler turns the loops over them into vector instructions.
template <int D, int L>
struct SimplexBlock {
  int32_t quotient[D + 1][L];  // q of the vertex with remainder 0
  int32_t rank[D + 1][L];      // position of each coordinate in descending order, a permutation of 0..D
  float weight[D + 1][L];      // barycentric, of the vertex with each remainder
};

// Vertex r of the simplex has quotient[i] - 1 where rank[i] > D - r, else quotient[i].
template <int D, int L>
BOXSEG_HD void find_simplex(const float (&feature)[D][L], const Elevation<D>& elevation, SimplexBlock<D, L>& s) {
  constexpr float kUp = D + 1, kDown = 1.0f / (D + 1);
  // Adding and taking away 1.5 * 2^23 rounds to the nearest integer, ties to even, as the reference's SSE code does.
  constexpr float kRound = 12582912.0f;
  float lifted[D + 1][L], offset[D + 1][L], sum[L];
  for (int l = 0; l < L; ++l) sum[l] = 0;
  for (int j = D; j > 0; --j)
    for (int l = 0; l < L; ++l) {
      const float scaled = feature[j - 1][l] * elevation.factor[j - 1];
      lifted[j][l] = sum[l] - static_cast<float>(j) * scaled;
      sum[l] += scaled;
    }
  int32_t excess[L];  // of the rounded point: it must come back onto the plane
  for (int l = 0; l < L; ++l) {
    lifted[0][l] = sum[l];
    excess[l] = 0;
  }
  for (int i = 0; i <= D; ++i)
    for (int l = 0; l < L; ++l) {
      const float rounded = (kDown * lifted[i][l] + kRound) - kRound;
      s.quotient[i][l] = static_cast<int32_t>(rounded);
      excess[l] += s.quotient[i][l];
      offset[i][l] = lifted[i][l] - rounded * kUp;
      s.rank[i][l] = 0;
    }
  for (int i = 0; i < D; ++i)
    for (int j = i + 1; j <= D; ++j)
      for (int l = 0; l < L; ++l) {
        const int32_t is_less = offset[i][l] < offset[j][l] ? 1 : 0;
        s.rank[i][l] += is_less;
        s.rank[j][l] += 1 - is_less;
      }
  float part[D + 1][L], by_rank[D + 1][L];
  for (int i = 0; i <= D; ++i)
    for (int l = 0; l < L; ++l) {
      const int32_t rank = s.rank[i][l] + excess[l];
      const int32_t step = rank < 0 ? 1 : rank > D ? -1 : 0;
      s.rank[i][l] = rank + step * (D + 1);
      s.quotient[i][l] += step;
      part[i][l] = (lifted[i][l] - static_cast<float>(s.quotient[i][l]) * kUp) * kDown;
    }
  for (int k = 0; k <= D; ++k)
    for (int l = 0; l < L; ++l) {
      float found = 0;
      for (int i = 0; i <= D; ++i) found = s.rank[i][l] == k ? part[i][l] : found;
      by_rank[k][l] = found;
    }
  for (int l = 0; l < L; ++l) s.weight[0][l] = by_rank[D][l] + (1.0f - by_rank[0][l]);
  for (int r = 1; r <= D; ++r)
    for (int l = 0; l < L; ++l) s.weight[r][l] = by_rank[D - r][l] - by_rank[D - r + 1][l];
}

// A vertex in one integer, within its remainder class: mixed-radix digits q_0 - q_1, q_1 - q_2, ... and the last
// quotient itself. The first digits depend on the first features alone, so that for features (x, y, colours) vertices
// in ascending order run through the image in strips. A step along a lattice axis adds a constant.
template <int D>
struct VertexKeys {
  uint64_t factor[D];  // of each quotient
  uint64_t origin;     // makes the smallest key positive
  int bits = 0;        // no key needs more; 0: more than 64
};

// key[r]: of the vertex with remainder r.
template <int D, int L>
BOXSEG_HD void vertex_keys(const SimplexBlock<D, L>& s, const VertexKeys<D>& keys, uint64_t (&key)[D + 1][L]) {
  for (int l = 0; l < L; ++l) key[0][l] = keys.origin;
  for (int i = 0; i < D; ++i)
    for (int l = 0; l < L; ++l)
      key[0][l] += static_cast<uint64_t>(static_cast<int64_t>(s.quotient[i][l])) * keys.factor[i];
  for (int r = 1; r <= D; ++r) {
    for (int l = 0; l < L; ++l) key[r][l] = key[r - 1][l];
    for (int i = 0; i < D; ++i)
      for (int l = 0; l < L; ++l) key[r][l] -= s.rank[i][l] == D - r + 1 ? keys.factor[i] : 0;
  }
}

// What a step along `axis` (0..D) adds to a key, into the class of the next smaller remainder (D after 0):
// coordinate `axis` grows by D, all others shrink by 1.
template <int D>
BOXSEG_HD uint64_t key_step(const VertexKeys<D>& keys, int remainder, int axis) {
  uint64_t step = axis < D ? keys.factor[axis] : 0;
  if (remainder == 0)
    for (int i = 0; i < D; ++i) step -= keys.factor[i];
  return step;
}

}  // namespace boxseg::crf
