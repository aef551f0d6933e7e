// One axis of bilinear interpolation from `cells` to `positions` with align_corners, as LibTorch computes it: the first
// and last positions lie on the first and last cells.
#pragma once
#include <cstdint>
#include <vector>

#include "stage3_segment/loss_kernel.h"

namespace boxseg {

template <class T>
struct Axis {
  std::vector<int32_t> index, first, end;
  std::vector<T> weight;
  Axis(int64_t cells, int64_t positions);  // both at least 1
  AxisView<T> view() const { return {index.data(), weight.data(), first.data(), end.data()}; }
};

}  // namespace boxseg
