#include "common/crf/panels.h"

#include <algorithm>

#include "common/simd/exp_log.h"

namespace boxseg::crf {
namespace {

constexpr int kLanes = 8;
using F = Wide<float, kLanes>;

// Takes logarithms of `count` probabilities; returns false where one is not finite.
bool take_logs(const float* from, int64_t count, float floor, float* to) {
  static_assert(kMostTogether % kLanes == 0);
  std::copy_n(from, count, to);
  const int64_t whole = (count + kLanes - 1) / kLanes * kLanes;
  std::fill(to + count, to + whole, 1.0f);
  Wide<int32_t, kLanes> is_bad{};
  for (int64_t i = 0; i < whole; i += kLanes) {
    const auto p = load_wide<F>(to + i);
    is_bad |= ((Wide<int32_t, kLanes>)p & 0x7F800000) == 0x7F800000;
    store_wide(to + i, log_of_positive(smaller(larger(p, spread_wide<F>(floor)), spread_wide<F>(1))));
  }
  for (int lane = 0; lane < kLanes; ++lane)
    if (is_bad[lane] != 0) return false;
  return true;
}

template <int width>
bool log_ratios_in(const float* probabilities, int64_t plane, int64_t labels, float floor, int64_t panels_count,
                   int64_t points, int64_t count, float* panels) {
  float last[kMostTogether], logs[width][kMostTogether];
  bool is_finite = take_logs(probabilities + (labels - 1) * plane, count, floor, last);
  for (int64_t panel = 0; panel < panels_count; ++panel, panels += points * width) {
    for (int c = 0; c < width; ++c) {
      const int64_t k = panel * width + c;
      if (k >= labels - 1) {
        std::fill_n(logs[c], count, kNoLabel);
        continue;
      }
      is_finite &= take_logs(probabilities + k * plane, count, floor, logs[c]);
      for (int64_t i = 0; i < count; ++i) logs[c][i] -= last[i];
    }
    for (int64_t i = 0; i < count; ++i)
      for (int c = 0; c < width; ++c) panels[i * width + c] = logs[c][i];
  }
  return is_finite;
}

template <int width>
void planes_of_width(const float* panels, int64_t points, int64_t count, int64_t labels, int64_t plane, float* values) {
  for (int64_t k = 0; k < labels - 1; ++k) {
    const float* from = panels + k / width * points * width + k % width;
    for (int64_t i = 0; i < count; ++i) values[k * plane + i] = from[i * width];
  }
}

}  // namespace

bool log_ratios(const float* probabilities, int64_t plane, int64_t labels, float floor, const Panels& layout,
                int64_t points, int64_t count, float* panels) {
  switch (layout.width) {
    case 1:
      return log_ratios_in<1>(probabilities, plane, labels, floor, layout.count, points, count, panels);
    case 2:
      return log_ratios_in<2>(probabilities, plane, labels, floor, layout.count, points, count, panels);
    default:
      return log_ratios_in<4>(probabilities, plane, labels, floor, layout.count, points, count, panels);
  }
}

void planes_of(const float* panels, const Panels& layout, int64_t points, int64_t count, int64_t labels, int64_t plane,
               float* values) {
  switch (layout.width) {
    case 1:
      return planes_of_width<1>(panels, points, count, labels, plane, values);
    case 2:
      return planes_of_width<2>(panels, points, count, labels, plane, values);
    default:
      return planes_of_width<4>(panels, points, count, labels, plane, values);
  }
}

}  // namespace boxseg::crf
