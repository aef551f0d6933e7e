#include "common/networks/lite0/channel_convolutions.h"

#include "common/simd/groups.h"
#include "common/simd/wide.h"

namespace boxseg {
namespace {

template <class V>
constexpr int64_t kLanesOf = sizeof(V) / sizeof(float);

// The `kernel` taps of an output lie `dilation` apart from `left` on; those in [first, end) are inside a row or column
// of `width` inputs.
struct Taps {
  BOXSEG_INLINED Taps(int64_t left, int64_t kernel, int64_t dilation, int64_t width) : end(kernel) {
    while (first < end && left + first * dilation < 0) ++first;
    while (end > first && left + (end - 1) * dilation >= width) --end;
  }
  int64_t first = 0, end;
};

// Calls body.template operator()<kColumns>(x) for outputs x .. x + kColumns - 1 whose taps are all inside, and with <1>
// for the others. `reach` is the distance from an output's first tap to its last.
template <int kColumns, class Body>
BOXSEG_INLINED void for_columns(int64_t out_width, int64_t in_width, int64_t stride, int64_t pad_left, int64_t reach,
                                const Body& body) {
  for (int64_t x = 0; x < out_width;) {
    const int64_t left = x * stride - pad_left;
    if (left >= 0 && left + (kColumns - 1) * stride + reach < in_width && x + kColumns <= out_width) {
      body.template operator()<kColumns>(x);
      x += kColumns;
    } else {
      body.template operator()<1>(x);
      ++x;
    }
  }
}

// Holds the rows of the input that an output row's taps fall on, and which rows of taps these are.
struct TapRows {
  const float* in[8];
  int64_t tap[8], count = 0;
};

// Computes output columns x .. x + kColumns - 1, which have the same taps inside, for kGroups vectors of channels from
// c on.
template <class V, int kGroups, int kColumns>
BOXSEG_INLINED void depthwise_columns(const DepthwiseShape& s, const TapRows& rows, int64_t x, int64_t c,
                                      const float* weight, const float* bias, float* out) {
  constexpr int64_t kLanes = kLanesOf<V>;
  V sum[kColumns][kGroups];
  BOXSEG_UNROLL
  for (int i = 0; i < kColumns; ++i) BOXSEG_UNROLL
  for (int g = 0; g < kGroups; ++g) sum[i][g] = load_wide<V>(bias + c + kLanes * g);
  const int64_t left = x * s.stride - s.pad_left, column_step = s.stride * s.channels;
  const Taps taps(left, s.kernel, s.dilation, s.in_width);
  for (int64_t r = 0; r < rows.count; ++r)
    for (int64_t kx = taps.first; kx < taps.end; ++kx) {
      const float* w = weight + (rows.tap[r] * s.kernel + kx) * s.channels + c;
      const float* in = rows.in[r] + (left + kx * s.dilation) * s.channels + c;
      BOXSEG_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        const V tap = load_wide<V>(w + kLanes * g);
        BOXSEG_UNROLL
        for (int i = 0; i < kColumns; ++i) sum[i][g] += load_wide<V>(in + i * column_step + kLanes * g) * tap;
      }
    }
  BOXSEG_UNROLL
  for (int i = 0; i < kColumns; ++i) BOXSEG_UNROLL
  for (int g = 0; g < kGroups; ++g) store_wide(out + (x + i) * s.channels + c + kLanes * g, relu6_wide(sum[i][g]));
}

// Computes all columns of an output row for kGroups vectors of channels from c on.
template <class V, int kGroups>
BOXSEG_INLINED void depthwise_channels(const DepthwiseShape& s, const TapRows& rows, int64_t c, const float* weight,
                                       const float* bias, float* out) {
  constexpr int kTogether = kGroups >= 3 ? 3 : 4;
  for_columns<kTogether>(s.out_width, s.in_width, s.stride, s.pad_left, (s.kernel - 1) * s.dilation,
                         [&]<int kColumns>(int64_t x) BOXSEG_ALWAYS_INLINE {
                           depthwise_columns<V, kGroups, kColumns>(s, rows, x, c, weight, bias, out);
                         });
}

// Computes a whole output row: groups of vectors of `lanes` channels, and what is left of them as shorter vectors.
template <int64_t lanes>
BOXSEG_INLINED void depthwise_row_with(const DepthwiseShape& s, const TapRows& rows, const float* weight,
                                       const float* bias, float* out) {
  const int64_t whole = s.channels / lanes;
  in_groups<4>(whole, [&]<int Groups>(int64_t group) BOXSEG_ALWAYS_INLINE {
    depthwise_channels<Wide<float, lanes>, Groups>(s, rows, group * lanes, weight, bias, out);
  });
  for (int64_t c = whole * lanes; c < s.channels; c += kWideLanes<float>)
    depthwise_channels<Wide<float>, 1>(s, rows, c, weight, bias, out);
}

constexpr int kStemChannels = 32, kStemKernel = 3, kStemStride = 2;

template <class V, int kColumns>
BOXSEG_INLINED void stem_columns(const StemShape& s, int64_t y, int64_t x, const float* planes, const float* weight,
                                 const float* bias, float* out) {
  constexpr int64_t kLanes = kLanesOf<V>, kGroups = kStemChannels / kLanes;
  V sum[kColumns][kGroups];
  BOXSEG_UNROLL
  for (int i = 0; i < kColumns; ++i) BOXSEG_UNROLL
  for (int g = 0; g < kGroups; ++g) sum[i][g] = load_wide<V>(bias + kLanes * g);
  const int64_t top = kStemStride * y - s.pad_top, left = kStemStride * x - s.pad_left;
  const Taps rows(top, kStemKernel, 1, s.height), taps(left, kStemKernel, 1, s.width);
  for (int64_t plane = 0; plane < 3; ++plane)
    for (int64_t ky = rows.first; ky < rows.end; ++ky) {
      const float* in = planes + (plane * s.height + top + ky) * s.width + left;
      for (int64_t kx = taps.first; kx < taps.end; ++kx) {
        const float* w = weight + ((plane * kStemKernel + ky) * kStemKernel + kx) * kStemChannels;
        BOXSEG_UNROLL
        for (int g = 0; g < kGroups; ++g) {
          const V tap = load_wide<V>(w + kLanes * g);
          BOXSEG_UNROLL
          for (int i = 0; i < kColumns; ++i) sum[i][g] += in[kx + i * kStemStride] * tap;
        }
      }
    }
  BOXSEG_UNROLL
  for (int i = 0; i < kColumns; ++i) BOXSEG_UNROLL
  for (int g = 0; g < kGroups; ++g) store_wide(out + (x + i) * kStemChannels + kLanes * g, relu6_wide(sum[i][g]));
}

template <class V>
BOXSEG_INLINED void stem_row_with(const StemShape& s, int64_t y, const float* planes, const float* weight,
                                  const float* bias, float* out) {
  for_columns<4>(s.out_width, s.width, kStemStride, s.pad_left, kStemKernel - 1,
                 [&]<int kColumns>(int64_t x)
                     BOXSEG_ALWAYS_INLINE { stem_columns<V, kColumns>(s, y, x, planes, weight, bias, out); });
}

}  // namespace

void depthwise_row(const DepthwiseShape& s, int64_t y, const float* in, int64_t first_row, const float* weight,
                   const float* bias, float* out, InstructionSet instructions) {
  const int64_t top = y * s.stride - s.pad_top;
  const Taps inside(top, s.kernel, s.dilation, s.in_height);
  TapRows rows;
  for (int64_t ky = inside.first; ky < inside.end; ++ky) {
    rows.in[rows.count] = in + (top + ky * s.dilation - first_row) * s.in_width * s.channels;
    rows.tap[rows.count++] = ky;
  }
  with_vectors(instructions, [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    depthwise_row_with<bytes / sizeof(float)>(s, rows, weight, bias, out);
  });
}

void stem_row(const StemShape& s, int64_t y, const float* planes, const float* weight, const float* bias, float* out,
              InstructionSet instructions) {
  with_vectors(instructions, [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    stem_row_with<Wide<float, bytes / sizeof(float)>>(s, y, planes, weight, bias, out);
  });
}

}  // namespace boxseg
