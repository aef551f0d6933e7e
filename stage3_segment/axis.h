// Interpolates bilinearly along one axis from `cells` to `positions`, as LibTorch computes it. With align_corners the
// first and last positions lie on the first and last cells; without, cells and positions are areas of the same whole,
// and positions beyond the centre of the first or last cell take its value.
#pragma once
#include <cstdint>
#include <vector>

#include "stage3_segment/loss_kernel.h"

namespace boxseg {

template <class T>
struct Axis {
  std::vector<int32_t> index, first, end;
  std::vector<T> weight;
  Axis(int64_t cells, int64_t positions, bool align_corners = true);  // both at least 1
  AxisView<T> view() const { return {index.data(), weight.data(), first.data(), end.data()}; }
};

}  // namespace boxseg
