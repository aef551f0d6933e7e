// Holds what a convolution's operands do not tell; it is the same along both axes.
#pragma once
#include <cstdint>

namespace boxseg {

struct ConvolutionGeometry {
  int64_t stride = 1, padding = 0, dilation = 1, groups = 1;  // padding: zeros on each side
};

}  // namespace boxseg
