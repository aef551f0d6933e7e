// Computes the two convolutions of EfficientNet-Lite0 that are no matrix products, over rows of channels (NHWC),
// float32, with bias and ReLU6. Sums start from the bias and go through the taps row by row, left to right: results
// depend on nothing else, not on the instructions either.
#pragma once
#include <cstdint>

#include "common/simd/instruction_set.h"

namespace boxseg {

struct DepthwiseShape {
  int64_t channels = 0;                          // a multiple of 8
  int64_t kernel = 0, stride = 1, dilation = 1;  // kernel: at most 8
  int64_t in_height = 0, in_width = 0, out_width = 0;
  int64_t pad_top = 0, pad_left = 0;
};

// Computes one output row y: out [out_width, C]. in: the input's rows from `first_row` on that lie under the row's
// taps, [in_width, C] each; weight: [k*k, C]; bias: [C].
void depthwise_row(const DepthwiseShape& shape, int64_t y, const float* in, int64_t first_row, const float* weight,
                   const float* bias, float* out, InstructionSet instructions);

struct StemShape {
  int64_t height = 0, width = 0, out_width = 0;
  int64_t pad_top = 0, pad_left = 0;
};

// Computes one output row y of the 3x3 convolution with stride 2 from 3 channel planes to 32 interleaved channels: out
// [out_width, 32]. planes: [3,H,W]; weight: [3 planes * 9 taps, 32]; bias: [32].
void stem_row(const StemShape& shape, int64_t y, const float* planes, const float* weight, const float* bias,
              float* out, InstructionSet instructions);

}  // namespace boxseg
