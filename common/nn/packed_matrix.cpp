#include "common/nn/packed_matrix.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/nn/groups.h"
#include "common/nn/lanes.h"

BOXSEG_FUSE_PRODUCTS

namespace boxseg {
namespace {

// Calls body(first column, lanes) for each panel.
template <class Body>
void for_panels(int64_t columns, const Body& body) {
  int64_t first = 0;
  if (columns % (2 * kLanes) != 0) {
    const int64_t lanes = columns == kLanes ? 1 : 3;
    body(first, lanes);
    first += lanes * kLanes;
  }
  for (; first < columns; first += 2 * kLanes) body(first, int64_t{2});
}

struct Operands {
  const float *in, *panel, *bias, *added;
  float* out;
  int64_t inner, columns;  // steps from row to row of `in`, and of `added` and `out`
};

template <int Rows, int Vectors, bool IsRectified>
void multiply_block(const Operands& o) {
  Lanes sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) sums[r][v] = load_lanes(o.bias + v * kLanes);
  const float* weight = o.panel;
  for (int64_t k = 0; k < o.inner; ++k, weight += Vectors * kLanes) {
    Lanes w[Vectors];
    for (int v = 0; v < Vectors; ++v) w[v] = load_lanes(weight + v * kLanes);
    for (int r = 0; r < Rows; ++r) {
      const Lanes factor = spread(o.in[r * o.inner + k]);
      for (int v = 0; v < Vectors; ++v) sums[r][v] += factor * w[v];
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) {
      Lanes sum = IsRectified ? relu6_lanes(sums[r][v]) : sums[r][v];
      const int64_t at = r * o.columns + v * kLanes;
      if (o.added != nullptr) sum += load_lanes(o.added + at);
      store_lanes(o.out + at, sum);
    }
}

// As many sums as fit into the registers, whatever the width of the panel.
template <int Vectors, bool IsRectified>
void multiply_panel(const Operands& all, int64_t rows) {
  in_groups<Vectors == 3 ? 4 : 6>(rows, [&]<int Rows>(int64_t r) {
    Operands block = all;
    block.in += r * all.inner;
    block.out += r * all.columns;
    if (block.added != nullptr) block.added += r * all.columns;
    multiply_block<Rows, Vectors, IsRectified>(block);
  });
}

template <bool IsRectified>
void multiply_panel(const Operands& o, int64_t lanes, int64_t rows) {
  if (lanes == 1)
    multiply_panel<1, IsRectified>(o, rows);
  else if (lanes == 2)
    multiply_panel<2, IsRectified>(o, rows);
  else
    multiply_panel<3, IsRectified>(o, rows);
}

}  // namespace

PackedMatrix::PackedMatrix(const float* weight, const float* bias, int64_t inner, int64_t columns)
    : inner_(inner), columns_(columns), bias_(bias, bias + columns) {
  ensure(columns > 0 && columns % kLanes == 0, "packed matrix: {} columns, expected a multiple of {}", columns, kLanes);
  panels_.reserve(static_cast<size_t>(inner * columns));
  for_panels(columns, [&](int64_t first, int64_t lanes) {
    for (int64_t k = 0; k < inner; ++k)
      panels_.insert(panels_.end(), weight + k * columns + first, weight + k * columns + first + lanes * kLanes);
  });
}

void PackedMatrix::multiply(const float* in, int64_t rows, Finish finish, const float* added, float* out) const {
  const float* panel = panels_.data();
  for_panels(columns_, [&](int64_t first, int64_t lanes) {
    const Operands o{in,     panel,   bias_.data() + first, added != nullptr ? added + first : nullptr, out + first,
                     inner_, columns_};
    if (finish == Finish::relu6)
      multiply_panel<true>(o, lanes, rows);
    else
      multiply_panel<false>(o, lanes, rows);
    panel += inner_ * lanes * kLanes;
  });
}

}  // namespace boxseg
