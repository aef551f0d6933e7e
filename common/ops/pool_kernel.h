// Does ReLU with a maximum over windows of 3x3, one window or one cell at a time: these are the kernels of
// relu_max_pool.h, whose results are those of pool_planes.h.
#pragma once
#include <cmath>
#include <cstdint>

#include "common/ops/pool_size.h"

namespace boxseg {

// Finds the maximum of window `index` of all planes, and its code (pool_planes.h). What is not above zero is never
// taken, which is ReLU; what is not a number is passed on.
template <class T>
BOXSEG_HD void max_pool_window(int64_t index, const PoolSize& size, const T* in, T* out, uint8_t* codes) {
  const int64_t plane = index / size.out_area(), window = index % size.out_area();
  const int64_t top = size.stride * (window / size.out_w()) - 1, left = size.stride * (window % size.out_w()) - 1;
  const T* values = in + plane * size.area();
  T largest = 0;
  uint8_t code = 0;
  bool is_spoiled = false;
  for (int row = 0; row < kPoolWindow; ++row)
    for (int column = 0; column < kPoolWindow; ++column) {
      const int64_t y = top + row, x = left + column;
      if (y < 0 || y >= size.h || x < 0 || x >= size.w) continue;
      const T value = values[y * size.w + x];
      is_spoiled = is_spoiled || value != value;
      if (!(value > largest)) continue;
      largest = value;
      code = static_cast<uint8_t>(pool_code(row, column));
    }
  out[index] = is_spoiled ? static_cast<T>(NAN) : largest;
  codes[index] = code;
}

// Sums the gradient of cell `index` of all planes over the windows whose code names it, in their order.
template <class T>
BOXSEG_HD void max_unpool_cell(int64_t index, const PoolSize& size, const T* grad_out, const uint8_t* codes,
                               T* grad_in) {
  const int64_t plane = index / size.area(), y = index % size.area() / size.w, x = index % size.w;
  const int64_t first = plane * size.out_area();
  T sum = 0;
  // Window number k begins at stride * k - 1, so that those which reach the cell begin at y - 2 to y.
  for (int64_t wy = (y + size.stride - 2) / size.stride; wy <= (y + 1) / size.stride; ++wy)
    for (int64_t wx = (x + size.stride - 2) / size.stride; wx <= (x + 1) / size.stride; ++wx) {
      if (wy < 0 || wx < 0 || wy >= size.out_h() || wx >= size.out_w()) continue;
      const auto row = static_cast<int>(y - (size.stride * wy - 1)),
                 column = static_cast<int>(x - (size.stride * wx - 1));
      const int64_t window = first + wy * size.out_w() + wx;
      if (codes[window] == pool_code(row, column)) sum += grad_out[window];
    }
  grad_in[index] = sum;
}

}  // namespace boxseg
