#include "common/networks/lite0/packed_matrix.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/simd/groups.h"
#include "common/simd/wide.h"

BOXSEG_FUSE_PRODUCTS

namespace boxseg {
namespace {

constexpr int64_t kColumnStep = 8;

// Calls body(first column, columns) for each panel. With AVX-512 a panel has 48 columns, which leave registers for 8
// rows, and the last has what is left; else it has 16, and once 24 where 8 would be left.
template <class Body>
void for_panels(InstructionSet instructions, int64_t columns, const Body& body) {
  const auto width = [&](int64_t left) -> int64_t {
    if (instructions == InstructionSet::kAvx512) return left >= 48 ? 48 : left >= 32 ? 32 : left >= 16 ? 16 : 8;
    return left == 8 ? 8 : left % 16 != 0 ? 24 : 16;
  };
  for (int64_t first = 0; first < columns;) {
    const int64_t panel = width(columns - first);
    body(first, panel);
    first += panel;
  }
}

struct Operands {
  const float *in, *panel, *start, *added;
  float* out;
  int64_t inner, columns, start_step;  // steps from row to row of `in`, of `added` and `out`, and of `start`
};

template <int Rows, int lanes, int Vectors, bool IsRectified>
BOXSEG_INLINED void multiply_block(const Operands& o) {
  using V = Wide<float, lanes>;
  V sums[Rows][Vectors];
  BOXSEG_UNROLL
  for (int r = 0; r < Rows; ++r) BOXSEG_UNROLL
  for (int v = 0; v < Vectors; ++v) sums[r][v] = load_wide<V>(o.start + r * o.start_step + v * lanes);
  const float* weight = o.panel;
  for (int64_t k = 0; k < o.inner; ++k, weight += Vectors * lanes) {
    V w[Vectors];
    BOXSEG_UNROLL
    for (int v = 0; v < Vectors; ++v) w[v] = load_wide<V>(weight + v * lanes);
    BOXSEG_UNROLL
    for (int r = 0; r < Rows; ++r) BOXSEG_UNROLL
    for (int v = 0; v < Vectors; ++v) sums[r][v] += o.in[r * o.inner + k] * w[v];
  }
  BOXSEG_UNROLL
  for (int r = 0; r < Rows; ++r) BOXSEG_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    V sum = IsRectified ? relu6_wide(sums[r][v]) : sums[r][v];
    const int64_t at = r * o.columns + v * lanes;
    if (o.added != nullptr) sum += load_wide<V>(o.added + at);
    store_wide(o.out + at, sum);
  }
}

// Multiplies as many rows at a time as there are registers for their sums.
template <int Most, int lanes, int Vectors, bool IsRectified>
BOXSEG_INLINED void multiply_panel(const Operands& all, int64_t rows) {
  in_groups<Most>(rows, [&]<int Rows>(int64_t r) BOXSEG_ALWAYS_INLINE {
    Operands block = all;
    block.in += r * all.inner;
    block.start += r * all.start_step;
    block.out += r * all.columns;
    if (block.added != nullptr) block.added += r * all.columns;
    multiply_block<Rows, lanes, Vectors, IsRectified>(block);
  });
}

template <bool IsRectified>
void multiply_compiled(const Operands& o, int64_t panel, int64_t rows) {
  switch (panel) {
    case 8:
      return multiply_panel<6, 8, 1, IsRectified>(o, rows);
    case 16:
      return multiply_panel<6, 8, 2, IsRectified>(o, rows);
    default:
      return multiply_panel<4, 8, 3, IsRectified>(o, rows);
  }
}

#if defined(BOXSEG_AVX512)
template <bool IsRectified>
BOXSEG_AVX512 void multiply_avx512(const Operands& o, int64_t panel, int64_t rows) {
  switch (panel) {
    case 8:
      return multiply_panel<8, 8, 1, IsRectified>(o, rows);
    case 16:
      return multiply_panel<8, 16, 1, IsRectified>(o, rows);
    case 32:
      return multiply_panel<8, 16, 2, IsRectified>(o, rows);
    default:
      return multiply_panel<8, 16, 3, IsRectified>(o, rows);
  }
}
#else
template <bool IsRectified>
void multiply_avx512(const Operands&, int64_t, int64_t) {}
#endif

}  // namespace

PackedMatrix::PackedMatrix(const float* weight, const float* bias, int64_t inner, int64_t columns,
                           InstructionSet instructions)
    : instructions_(instructions), inner_(inner), columns_(columns), bias_(bias, bias + columns) {
  ensure(columns > 0 && columns % kColumnStep == 0, "packed matrix: {} columns, expected a multiple of {}", columns,
         kColumnStep);
  panels_.reserve(static_cast<size_t>(inner * columns));
  for_panels(instructions, columns, [&](int64_t first, int64_t panel) {
    for (int64_t k = 0; k < inner; ++k)
      panels_.insert(panels_.end(), weight + k * columns + first, weight + k * columns + first + panel);
  });
}

void PackedMatrix::multiply_from(const float* start, int64_t start_step, const float* in, int64_t rows, Finish finish,
                                 const float* added, float* out) const {
  const auto run = finish == Finish::relu6
                       ? (instructions_ == InstructionSet::kAvx512 ? multiply_avx512<true> : multiply_compiled<true>)
                       : (instructions_ == InstructionSet::kAvx512 ? multiply_avx512<false> : multiply_compiled<false>);
  const float* weights = panels_.data();
  for_panels(instructions_, columns_, [&](int64_t first, int64_t panel) {
    run({in, weights, start + first, added != nullptr ? added + first : nullptr, out + first, inner_, columns_,
         start_step},
        panel, rows);
    weights += inner_ * panel;
  });
}

void PackedMatrix::multiply(const float* in, int64_t rows, Finish finish, const float* added, float* out) const {
  multiply_from(bias_.data(), 0, in, rows, finish, added, out);
}

void PackedMatrix::multiply_onto(const float* in, int64_t rows, const float* added, float* out) const {
  multiply_from(out, columns_, in, rows, Finish::none, added, out);
}

}  // namespace boxseg
