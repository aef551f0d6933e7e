// Depthwise convolution over rows of channels (NHWC), bias and ReLU6 included.
#pragma once
#include <algorithm>
#include <cstdint>

namespace boxseg {

struct DepthwiseShape {
  int64_t channels, kernel, stride, dilation;
  int64_t in_height, in_width, out_width;
  int64_t pad_top, pad_left;
};

// One output row y. `input_row(r)` gives row r of the input, [in_width, channels]; only rows inside the image are asked
// for. weight: [k*k, C]; bias: [C]; out: [out_width, C]. Taps add up row by row, left to right, from the bias on, so
// that the result depends on nothing but the input.
template <class InputRow>
void depthwise_row(const DepthwiseShape& s, int64_t y, const InputRow& input_row, const float* weight,
                   const float* bias, float* out) {
  constexpr int64_t kLanes = 32;  // channels whose sums stay in registers
  const float* rows[16];
  int64_t taps_y[16], row_count = 0;
  for (int64_t ky = 0; ky < s.kernel; ++ky) {
    const int64_t r = y * s.stride - s.pad_top + ky * s.dilation;
    if (r < 0 || r >= s.in_height) continue;
    rows[row_count] = input_row(r);
    taps_y[row_count++] = ky;
  }
  for (int64_t x = 0; x < s.out_width; ++x) {
    const int64_t left = x * s.stride - s.pad_left;
    int64_t first_kx = 0, end_kx = s.kernel;
    while (first_kx < end_kx && left + first_kx * s.dilation < 0) ++first_kx;
    while (end_kx > first_kx && left + (end_kx - 1) * s.dilation >= s.in_width) --end_kx;
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      const int64_t lanes = std::min(kLanes, s.channels - c);
      float sum[kLanes];
      if (lanes == kLanes) {
        for (int64_t l = 0; l < kLanes; ++l) sum[l] = bias[c + l];
        for (int64_t i = 0; i < row_count; ++i) {
          for (int64_t kx = first_kx; kx < end_kx; ++kx) {
            const float* in = rows[i] + (left + kx * s.dilation) * s.channels + c;
            const float* w = weight + (taps_y[i] * s.kernel + kx) * s.channels + c;
            for (int64_t l = 0; l < kLanes; ++l) sum[l] += in[l] * w[l];
          }
        }
        for (int64_t l = 0; l < kLanes; ++l) out[x * s.channels + c + l] = std::min(std::max(sum[l], 0.0f), 6.0f);
      } else {
        for (int64_t l = 0; l < lanes; ++l) sum[l] = bias[c + l];
        for (int64_t i = 0; i < row_count; ++i) {
          for (int64_t kx = first_kx; kx < end_kx; ++kx) {
            const float* in = rows[i] + (left + kx * s.dilation) * s.channels + c;
            const float* w = weight + (taps_y[i] * s.kernel + kx) * s.channels + c;
            for (int64_t l = 0; l < lanes; ++l) sum[l] += in[l] * w[l];
          }
        }
        for (int64_t l = 0; l < lanes; ++l) out[x * s.channels + c + l] = std::min(std::max(sum[l], 0.0f), 6.0f);
      }
    }
  }
}

}  // namespace boxseg
