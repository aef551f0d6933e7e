// Does the arithmetic of the segmentation losses, per pixel and per feature cell, over raw pointers: compiled as C++
// for the CPU and as CUDA, in T = float or double. Shapes: scores [N,h,w,K] (classes last), labels [N,H,W].
//
// Two passes, because the terms are divided by sums over the whole batch: measure_pixel() gives a pixel's part of those
// sums; slope_of_pixel() then what the loss's gradient with respect to its K scores is made of. The scores of a pixel
// are interpolated when they are needed and never stored for the whole image.
#pragma once
#include <cmath>
#include <cstdint>

#include "common/simd/kernel.h"

namespace boxseg {

inline constexpr uint8_t kVoidLabel = 255;

// This is one axis of a bilinear interpolation: output position p lies between cells index[p] and index[p]+1 (never
// beyond the last), with `weight[p]` on the second; cell c has weight on positions first[c] <= p < end[c] only.
template <class T>
struct AxisView {
  const int32_t* index = nullptr;
  const T* weight = nullptr;
  const int32_t* first = nullptr;
  const int32_t* end = nullptr;
};

template <class T>
struct LossProblem {
  int64_t images = 0, classes = 0, cell_rows = 0, cell_columns = 0, height = 0, width = 0;  // N K h w H W
  const T* scores = nullptr;                                                                // [N,h,w,K] cosines
  const uint8_t* label = nullptr;                                                           // [N,H,W]: what is learnt
  const uint8_t* other = nullptr;  // [N,H,W]: where it disagrees, a pixel is unreliable; null: all are reliable
  AxisView<T> rows, columns;
  T temperature = 20, gamma = 7, beta = 1;
  bool is_weighted = false;  // true: terms are weighted by the confidence sigma
  bool is_detached = false;  // no gradient through sigma
};

// Reads a pixel's scores from the four cells around it; score(c) is that of class c.
template <class T>
struct InterpolatedScores {
  const T *upper_left, *upper_right, *lower_left, *lower_right;
  T row_weight, column_weight;
  BOXSEG_HD T operator[](int64_t c) const {
    const T u = (1 - column_weight) * upper_left[c] + column_weight * upper_right[c];
    const T l = (1 - column_weight) * lower_left[c] + column_weight * lower_right[c];
    return (1 - row_weight) * u + row_weight * l;
  }
};

template <class T>
BOXSEG_HD InterpolatedScores<T> scores_at(const LossProblem<T>& p, int64_t n, int64_t y, int64_t x) {
  const int64_t top = p.rows.index[y], left = p.columns.index[x];
  const int64_t down = top + 1 < p.cell_rows ? p.cell_columns * p.classes : 0;
  const int64_t right = left + 1 < p.cell_columns ? p.classes : 0;
  const T* at = p.scores + ((n * p.cell_rows + top) * p.cell_columns + left) * p.classes;
  return {at, at + right, at + down, at + down + right, p.rows.weight[y], p.columns.weight[x]};
}

enum class PixelKind : uint8_t { ignored, reliable, unreliable };

template <class T>
BOXSEG_HD PixelKind kind_of_pixel(const LossProblem<T>& p, int64_t pixel) {
  if (p.label[pixel] == kVoidLabel) return PixelKind::ignored;
  return p.other == nullptr || p.label[pixel] == p.other[pixel] ? PixelKind::reliable : PixelKind::unreliable;
}

template <class Scores>
BOXSEG_HD auto largest_of(const Scores& s, int64_t classes) {
  auto top = s[0];
  for (int64_t c = 1; c < classes; ++c) top = s[c] > top ? s[c] : top;
  return top;
}

// Returns log sum_c exp(T s_c).
template <class T, class Scores>
BOXSEG_HD T log_sum_of(const Scores& s, int64_t classes, T temperature) {
  const T top = largest_of(s, classes);
  T sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(temperature * (s[c] - top));
  return temperature * top + std::log(sum);
}

template <class T, class Scores>
BOXSEG_HD T entropy_of(const Scores& s, int64_t classes, T temperature, T log_sum) {
  T sum = 0;
  for (int64_t c = 0; c < classes; ++c) {
    const T log_p = temperature * s[c] - log_sum;
    sum -= std::exp(log_p) * log_p;
  }
  return sum;
}

// Holds sigma = ((1+s_l) / max_c(1+s_c))^gamma and its derivatives by s_l and by the largest score.
template <class T>
struct Confidence {
  T value = 1, by_label = 0, by_top = 0;
  int32_t top = 0;  // the class whose score is largest; the first of equal ones
};

template <class T, class Scores>
BOXSEG_HD Confidence<T> confidence_of(const Scores& s, int64_t classes, int64_t label, T gamma) {
  Confidence<T> out;
  const T top = largest_of(s, classes);
  while (out.top + 1 < classes && s[out.top] != top) ++out.top;
  const T correlation = 1 + s[label], largest = 1 + top;
  if (label == out.top || largest <= 0 || gamma == 0) return out;  // sigma is 1, and the two derivatives cancel
  if (correlation <= 0) {                                          // rounding below -1: pow() of it need not exist
    out.value = 0;
    return out;
  }
  const T ratio = correlation / largest, power = std::pow(ratio, gamma - 1), slope = gamma * power;
  out.value = ratio * power;
  out.by_label = slope / largest;
  out.by_top = -slope * ratio / largest;
  return out;
}

// This is a pixel's part of the sums over the batch.
template <class T>
struct PixelPart {
  T loss = 0;        // reliable: -log p_label; unreliable: sigma times its loss
  T confidence = 0;  // sigma of unreliable pixels
  T log_sum = 0;
};

// Returns the loss of an unreliable pixel before weighting: beta * -log p_label + (1 - beta) * entropy.
template <class T>
BOXSEG_HD T mixed_loss(T beta, T cross_entropy, T entropy) {
  return beta * cross_entropy + (1 - beta) * entropy;
}

template <class T, class Scores>
BOXSEG_HD PixelPart<T> measure_pixel(const LossProblem<T>& p, PixelKind kind, int64_t label, const Scores& s) {
  PixelPart<T> out;
  out.log_sum = log_sum_of(s, p.classes, p.temperature);
  out.loss = out.log_sum - p.temperature * s[label];
  if (kind == PixelKind::reliable) return out;
  out.confidence = 1;
  if (p.beta != 1) out.loss = mixed_loss(p.beta, out.loss, entropy_of(s, p.classes, p.temperature, out.log_sum));
  if (p.is_weighted) {
    out.confidence = confidence_of(s, p.classes, label, p.gamma).value;
    out.loss *= out.confidence;
  }
  return out;
}

// Holds the gradient of the loss with respect to a pixel's scores, in a form that gives each class's part on its own.
template <class T>
struct PixelSlope {
  T log_sum = 0;
  T cross_entropy = 0;  // factor of T (p_c - [c = label])
  T entropy = 0;        // factor of -T p_c (log p_c + H)
  T entropy_value = 0;  // H
  T label_extra = 0, top_extra = 0;
  int32_t label = -1, top = -1;  // label < 0: the pixel has no gradient
};

// Holds what the sums over the batch say about the second pass.
template <class T>
struct LossScales {
  T reliable = 0;    // 1/|S|, 0 without reliable pixels
  T unreliable = 0;  // lambda / sum sigma, 0 without
  T mean = 0;        // the unreliable pixels' weighted mean loss
};

template <class T, class Scores>
BOXSEG_HD PixelSlope<T> slope_of_pixel(const LossProblem<T>& p, PixelKind kind, int64_t label, T log_sum,
                                       const LossScales<T>& scales, const Scores& s) {
  PixelSlope<T> out;
  const T scale = kind == PixelKind::reliable ? scales.reliable : scales.unreliable;
  if (kind == PixelKind::ignored || scale == 0) return out;
  out.log_sum = log_sum;
  out.label = static_cast<int32_t>(label);
  out.cross_entropy = scale * p.temperature;
  if (kind == PixelKind::reliable) return out;
  T loss = log_sum - p.temperature * s[label];
  if (p.beta != 1) {
    out.entropy_value = entropy_of(s, p.classes, p.temperature, log_sum);
    out.entropy = scale * (1 - p.beta) * p.temperature;
    out.cross_entropy *= p.beta;
    loss = mixed_loss(p.beta, loss, out.entropy_value);
  }
  if (p.is_weighted) {
    const Confidence<T> sigma = confidence_of(s, p.classes, label, p.gamma);
    out.cross_entropy *= sigma.value;
    out.entropy *= sigma.value;
    if (!p.is_detached) {
      const T factor = scale * (loss - scales.mean);
      out.label_extra = factor * sigma.by_label;
      out.top_extra = factor * sigma.by_top;
      out.top = sigma.top;
    }
  }
  return out;
}

template <class T>
BOXSEG_HD T slope_of_class(const PixelSlope<T>& slope, T temperature, T score, int64_t c) {
  const T log_p = temperature * score - slope.log_sum;
  const T p = std::exp(log_p);
  T value = slope.cross_entropy * p;
  if (slope.entropy != 0) value -= slope.entropy * p * (log_p + slope.entropy_value);
  if (c == slope.label) value += slope.label_extra - slope.cross_entropy;
  if (c == slope.top) value += slope.top_extra;
  return value;
}

// Gathers the gradient with respect to one low-resolution score from the pixels around its cell, in a fixed order, as a
// GPU thread does. The CPU spreads each pixel's gradient over its cells instead, which needs a quarter of the
// exponentials (loss_cpu.cpp); the tests compare the two.
template <class T>
BOXSEG_HD T gather_cell(const LossProblem<T>& p, const PixelSlope<T>* slopes, int64_t n, int64_t row, int64_t column,
                        int64_t c) {
  T sum = 0;
  for (int64_t y = p.rows.first[row]; y < p.rows.end[row]; ++y) {
    const T row_weight = p.rows.index[y] == row ? 1 - p.rows.weight[y] : p.rows.weight[y];
    T line = 0;
    for (int64_t x = p.columns.first[column]; x < p.columns.end[column]; ++x) {
      const PixelSlope<T>& slope = slopes[(n * p.height + y) * p.width + x];
      if (slope.label < 0) continue;
      const T weight = p.columns.index[x] == column ? 1 - p.columns.weight[x] : p.columns.weight[x];
      line += weight * slope_of_class(slope, p.temperature, scores_at(p, n, y, x)[c], c);
    }
    sum += row_weight * line;
  }
  return sum;
}

// --- Kernels (common/ops/launch.h) ---

// This is what some of the pixels add to the sums over the batch.
struct LossPart {
  double reliable_loss = 0, unreliable_loss = 0, confidence = 0;
  int64_t reliable = 0, unreliable = 0;
  int64_t wrong = 0;  // labels that are no class, which have no other part in anything
  BOXSEG_HD void add(const LossPart& other) {
    reliable_loss += other.reliable_loss;
    unreliable_loss += other.unreliable_loss;
    confidence += other.confidence;
    reliable += other.reliable;
    unreliable += other.unreliable;
    wrong += other.wrong;
  }
};

// Lanes share a row of pixels; neighbouring lanes read neighbouring pixels.
inline constexpr int64_t kLossLanes = 32;

// Measures lane index % kLossLanes of row index / kLossLanes of N*H: every kLossLanes-th pixel, in order. parts:
// [N*H,kLossLanes]; log_sum: [N,H,W], left alone at pixels without a loss.
template <class T>
BOXSEG_HD void measure_lane(int64_t index, const LossProblem<T>& p, T* log_sum, LossPart* parts) {
  const int64_t row = index / kLossLanes, n = row / p.height, y = row % p.height;
  LossPart sum;
  for (int64_t x = index % kLossLanes; x < p.width; x += kLossLanes) {
    const int64_t pixel = row * p.width + x;
    const PixelKind kind = kind_of_pixel(p, pixel);
    if (kind == PixelKind::ignored) continue;
    if (p.label[pixel] >= p.classes) {
      ++sum.wrong;
      continue;
    }
    const PixelPart<T> part = measure_pixel(p, kind, p.label[pixel], scores_at(p, n, y, x));
    log_sum[pixel] = part.log_sum;
    const bool is_reliable = kind == PixelKind::reliable;
    (is_reliable ? sum.reliable_loss : sum.unreliable_loss) += static_cast<double>(part.loss);
    sum.confidence += static_cast<double>(part.confidence);
    ++(is_reliable ? sum.reliable : sum.unreliable);
  }
  parts[index] = sum;
}

// Writes sum number `index` of `sums`, which is that of a run of the parts, in order. The bits are the same on every
// device and in every run.
BOXSEG_HD void add_loss_parts(int64_t index, const LossPart* parts, int64_t count, int64_t sums, LossPart* out) {
  LossPart sum;
  for (int64_t i = index * count / sums; i < (index + 1) * count / sums; ++i) sum.add(parts[i]);
  out[index] = sum;
}

// Writes the slope of pixel `index` of N*H*W.
template <class T>
BOXSEG_HD void slope_at(int64_t index, const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum,
                        PixelSlope<T>* slopes) {
  const PixelKind kind = kind_of_pixel(p, index);
  if (kind == PixelKind::ignored) {
    slopes[index] = PixelSlope<T>();
    return;
  }
  const int64_t x = index % p.width, y = index / p.width % p.height, n = index / p.width / p.height;
  slopes[index] = slope_of_pixel(p, kind, p.label[index], log_sum[index], scales, scores_at(p, n, y, x));
}

// Writes gradient[index] of gradient [N,h,w,K].
template <class T>
BOXSEG_HD void gather_at(int64_t index, const LossProblem<T>& p, const PixelSlope<T>* slopes, T* gradient) {
  const int64_t c = index % p.classes, cell = index / p.classes;
  const int64_t column = cell % p.cell_columns, row = cell / p.cell_columns % p.cell_rows;
  gradient[index] = gather_cell(p, slopes, cell / p.cell_columns / p.cell_rows, row, column, c);
}

}  // namespace boxseg
