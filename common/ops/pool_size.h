// Tells how large a plane is before and after windows of 3x3 with one cell of padding (relu_max_pool.h).
#pragma once
#include <cstdint>

#include "common/simd/kernel.h"

namespace boxseg {

inline constexpr int kPoolWindow = 3;

// Returns the code of a place in a window, by its row and column; 0 stands for none.
BOXSEG_HD constexpr int pool_code(int row, int column) { return 1 + kPoolWindow * row + column; }

struct PoolSize {
  int64_t h, w, stride;  // size of the input; stride 1 or 2
  // When true, there is one more window where the last one would leave cells out: Caffe's ceil_mode.
  bool rounds_up = false;
  BOXSEG_HD int64_t out_of(int64_t n) const { return (rounds_up ? (n - 2 + stride) / stride : (n - 1) / stride) + 1; }
  BOXSEG_HD int64_t out_h() const { return out_of(h); }
  BOXSEG_HD int64_t out_w() const { return out_of(w); }
  BOXSEG_HD int64_t area() const { return h * w; }
  BOXSEG_HD int64_t out_area() const { return out_h() * out_w(); }
};

}  // namespace boxseg
