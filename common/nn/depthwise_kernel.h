// The two convolutions of EfficientNet-Lite0 that are no matrix products, over rows of channels (NHWC), with bias and
// ReLU6. Sums start from the bias and go through the taps row by row, left to right: results depend on nothing else.
#pragma once
#include <cstdint>

#include "common/nn/groups.h"
#include "common/nn/lanes.h"

namespace boxseg {

struct DepthwiseShape {
  int64_t channels = 0;  // a multiple of 8
  int64_t kernel = 0, stride = 1, dilation = 1;
  int64_t in_height = 0, in_width = 0, out_width = 0;
  int64_t pad_top = 0, pad_left = 0;
};

// Output columns [first, end) whose taps are kx in [0, kernel), all inside; kGroup groups of 8 channels from c on.
template <int kGroups, int kColumns>
inline void depthwise_columns(const DepthwiseShape& s, const float* const* rows, const int64_t* tap_rows, int64_t row_count,
                              int64_t x, int64_t first_kx, int64_t end_kx, int64_t c, const float* weight,
                              const float* bias, float* out) {
  Lanes sum[kColumns][kGroups];
  BOXSEG_UNROLL for (int i = 0; i < kColumns; ++i)
    BOXSEG_UNROLL for (int g = 0; g < kGroups; ++g) sum[i][g] = load_lanes(bias + c + kLanes * g);
  const int64_t left = x * s.stride - s.pad_left, column_step = s.stride * s.channels;
  for (int64_t r = 0; r < row_count; ++r) {
    for (int64_t kx = first_kx; kx < end_kx; ++kx) {
      const float* w = weight + (tap_rows[r] * s.kernel + kx) * s.channels + c;
      const float* in = rows[r] + (left + kx * s.dilation) * s.channels + c;
      BOXSEG_UNROLL for (int g = 0; g < kGroups; ++g) {
        const Lanes tap = load_lanes(w + kLanes * g);
        BOXSEG_UNROLL for (int i = 0; i < kColumns; ++i) sum[i][g] += load_lanes(in + i * column_step + kLanes * g) * tap;
      }
    }
  }
  BOXSEG_UNROLL for (int i = 0; i < kColumns; ++i)
    BOXSEG_UNROLL for (int g = 0; g < kGroups; ++g)
      store_lanes(out + (x + i) * s.channels + c + kLanes * g, relu6_wide(sum[i][g]));
}

// All columns of an output row for the channels [c, c + 8 * kGroups).
template <int kGroups>
inline void depthwise_channels(const DepthwiseShape& s, const float* const* rows, const int64_t* tap_rows,
                               int64_t row_count, int64_t c, const float* weight, const float* bias, float* out) {
  constexpr int kColumns = kGroups >= 3 ? 3 : 4;
  for (int64_t x = 0; x < s.out_width;) {
    const int64_t left = x * s.stride - s.pad_left, reach = (s.kernel - 1) * s.dilation;
    if (left >= 0 && left + (kColumns - 1) * s.stride + reach < s.in_width && x + kColumns <= s.out_width) {
      depthwise_columns<kGroups, kColumns>(s, rows, tap_rows, row_count, x, 0, s.kernel, c, weight, bias, out);
      x += kColumns;
      continue;
    }
    int64_t first_kx = 0, end_kx = s.kernel;
    while (first_kx < end_kx && left + first_kx * s.dilation < 0) ++first_kx;
    while (end_kx > first_kx && left + (end_kx - 1) * s.dilation >= s.in_width) --end_kx;
    depthwise_columns<kGroups, 1>(s, rows, tap_rows, row_count, x, first_kx, end_kx, c, weight, bias, out);
    ++x;
  }
}

// One output row y. `input_row(r)` gives row r of the input, [in_width, channels]; only rows inside the image are asked
// for. weight: [k*k, C]; bias: [C]; out: [out_width, C].
template <class InputRow>
void depthwise_row(const DepthwiseShape& s, int64_t y, const InputRow& input_row, const float* weight, const float* bias,
                   float* out) {
  const float* rows[8];
  int64_t tap_rows[8], row_count = 0;
  for (int64_t ky = 0; ky < s.kernel; ++ky) {
    const int64_t r = y * s.stride - s.pad_top + ky * s.dilation;
    if (r < 0 || r >= s.in_height) continue;
    rows[row_count] = input_row(r);
    tap_rows[row_count++] = ky;
  }
  in_groups<4>(s.channels / kLanes, [&]<int Groups>(int64_t group) {
    depthwise_channels<Groups>(s, rows, tap_rows, row_count, group * kLanes, weight, bias, out);
  });
}

struct StemShape {
  int64_t height = 0, width = 0, out_width = 0;
  int64_t pad_top = 0, pad_left = 0;
};

// One output row y of the 3x3 convolution with stride 2 from 3 channel planes to 32 interleaved channels.
// planes: [3,H,W]; weight: [3 planes * 9 taps, 32]; out: [out_width, 32].
inline void stem_row(const StemShape& s, int64_t y, const float* planes, const float* weight, const float* bias, float* out) {
  constexpr int kGroups = 4, kChannels = kGroups * kLanes;
  for (int64_t x = 0; x < s.out_width; ++x) {
    Lanes sum[kGroups];
    BOXSEG_UNROLL for (int g = 0; g < kGroups; ++g) sum[g] = load_lanes(bias + kLanes * g);
    for (int64_t plane = 0; plane < 3; ++plane) {
      for (int64_t ky = 0; ky < 3; ++ky) {
        const int64_t r = 2 * y - s.pad_top + ky;
        if (r < 0 || r >= s.height) continue;
        const float* row = planes + (plane * s.height + r) * s.width;
        for (int64_t kx = 0; kx < 3; ++kx) {
          const int64_t column = 2 * x - s.pad_left + kx;
          if (column < 0 || column >= s.width) continue;
          const Lanes value = spread(row[column]);
          const float* w = weight + ((plane * 3 + ky) * 3 + kx) * kChannels;
          BOXSEG_UNROLL for (int g = 0; g < kGroups; ++g) sum[g] += value * load_lanes(w + kLanes * g);
        }
      }
    }
    BOXSEG_UNROLL for (int g = 0; g < kGroups; ++g) store_lanes(out + x * kChannels + kLanes * g, relu6_wide(sum[g]));
  }
}

}  // namespace boxseg
