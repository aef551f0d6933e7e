#include "stage3_segment/loss_cpu.h"

#include <algorithm>
#include <vector>

#include "common/nn/torch_pool.h"
#include "stage3_segment/exp_lanes.h"

namespace boxseg {
namespace {

BOXSEG_FUSE_PRODUCTS

constexpr int64_t kRowsAtOnce = 8;
constexpr int64_t kWorthThreads = 50000;  // scores; below, waking the threads costs more than they save
constexpr float kNoScore = -1e4f;         // fills lanes without a class: its exponential is as good as nothing

int64_t padded(int64_t classes) { return (classes + kLanes - 1) / kLanes * kLanes; }

// out = (1 - weight) a + weight b, and to += weight * from; n: a multiple of kLanes.
void blend(const float* a, const float* b, float weight, int64_t n, float* out) {
  const Lanes of_a = spread(1 - weight), of_b = spread(weight);
  for (int64_t i = 0; i < n; i += kLanes) store_lanes(out + i, of_a * load_lanes(a + i) + of_b * load_lanes(b + i));
}
void blend(const double* a, const double* b, double weight, int64_t n, double* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = (1 - weight) * a[i] + weight * b[i];
}
void add_scaled(const float* from, float weight, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i += kLanes)
    store_lanes(to + i, load_lanes(to + i) + spread(weight) * load_lanes(from + i));
}
void add_scaled(const double* from, double weight, int64_t n, double* to) {
  for (int64_t i = 0; i < n; ++i) to[i] += weight * from[i];
}

// A pixel's scores in memory, padded to whole lanes with kNoScore.
template <class T>
struct PixelScores {
  const T* values;
  T operator[](int64_t c) const { return values[c]; }
};

// What measure_pixel() and confidence_of() find for these scores in place of their general forms.
float largest_of(const PixelScores<float>& s, int64_t classes) {
  Lanes top = load_lanes(s.values);
  for (int64_t c = kLanes; c < classes; c += kLanes) {
    const Lanes v = load_lanes(s.values + c);
    top = v > top ? v : top;
  }
  return largest_of_lanes(top);
}

float log_sum_of(const PixelScores<float>& s, int64_t classes, float temperature) {
  const float largest = largest_of(s, classes);
  Lanes sums = spread(0);
  for (int64_t c = 0; c < classes; c += kLanes)
    sums += exp_lanes((load_lanes(s.values + c) - spread(largest)) * spread(temperature));
  return temperature * largest + std::log(sum_of_lanes(sums));
}

// slope_of_class() of all classes.
void write_slopes(const PixelSlope<double>& slope, double temperature, const double* s, int64_t classes, double* out) {
  for (int64_t c = 0; c < classes; ++c) out[c] = slope_of_class(slope, temperature, s[c], c);
}

void write_slopes(const PixelSlope<float>& slope, float temperature, const float* s, int64_t classes, float* out) {
  for (int64_t c = 0; c < classes; c += kLanes) {
    const Lanes log_p = load_lanes(s + c) * spread(temperature) - spread(slope.log_sum);
    const Lanes p = exp_lanes(log_p);
    Lanes value = spread(slope.cross_entropy) * p;
    if (slope.entropy != 0) value -= spread(slope.entropy) * p * (log_p + spread(slope.entropy_value));
    store_lanes(out + c, value);
  }
  out[slope.label] += slope.label_extra - slope.cross_entropy;
  if (slope.top >= 0) out[slope.top] += slope.top_extra;
}

// All scores with the classes of a cell padded to whole lanes: [N,h,w,padded(K)].
template <class T>
std::vector<T> padded_scores(const LossProblem<T>& p) {
  const int64_t cells = p.images * p.cell_rows * p.cell_columns, stride = padded(p.classes);
  std::vector<T> out(static_cast<size_t>(cells * stride), T(kNoScore));
  for (int64_t i = 0; i < cells; ++i) std::copy_n(p.scores + i * p.classes, p.classes, out.data() + i * stride);
  return out;
}

// A thread's work space, and where the current row of pixels lies between its rows of cells.
template <class T>
class RowReader {
 public:
  RowReader(const LossProblem<T>& p, const std::vector<T>& scores)
      : p_(p),
        scores_(scores),
        stride_(padded(p.classes)),
        line_(static_cast<size_t>(p.cell_columns * stride_)),
        pixel_(static_cast<size_t>(stride_)) {}

  void start_row(int64_t n, int64_t y) {
    const auto length = static_cast<int64_t>(line_.size());
    const T* upper = scores_.data() + (n * p_.cell_rows + p_.rows.index[y]) * length;
    const T* lower = p_.rows.index[y] + 1 < p_.cell_rows ? upper + length : upper;
    blend(upper, lower, p_.rows.weight[y], length, line_.data());
  }
  int64_t left(int64_t x) const { return p_.columns.index[x] * stride_; }  // offsets into a row of cells
  int64_t right(int64_t x) const { return p_.columns.index[x] + 1 < p_.cell_columns ? left(x) + stride_ : left(x); }

  PixelScores<T> at(int64_t x) {
    blend(line_.data() + left(x), line_.data() + right(x), p_.columns.weight[x], stride_, pixel_.data());
    return {pixel_.data()};
  }

 private:
  const LossProblem<T>& p_;
  const std::vector<T>& scores_;
  const int64_t stride_;
  std::vector<T> line_, pixel_;
};

template <class T>
LossSums measure_row(const LossProblem<T>& p, int64_t row, T* log_sum, RowReader<T>& reader) {
  LossSums sums;
  bool has_started = false;
  for (int64_t x = 0; x < p.width; ++x) {
    const int64_t pixel = row * p.width + x;
    const PixelKind kind = kind_of_pixel(p, pixel);
    if (kind == PixelKind::ignored) continue;
    if (!has_started) reader.start_row(row / p.height, row % p.height);
    has_started = true;
    const PixelPart<T> part = measure_pixel(p, kind, p.label[pixel], reader.at(x));
    log_sum[pixel] = part.log_sum;
    const bool is_reliable = kind == PixelKind::reliable;
    (is_reliable ? sums.reliable_loss : sums.unreliable_loss) += static_cast<double>(part.loss);
    sums.confidence += static_cast<double>(part.confidence);
    ++(is_reliable ? sums.reliable : sums.unreliable);
  }
  return sums;
}

// The gradient from the pixels between cell rows `band` and band + 1, spread over the two: upper, lower [w,padded(K)].
template <class T>
void spread_band(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, int64_t n, int64_t band,
                 RowReader<T> reader, T* upper, T* lower) {
  const int64_t stride = padded(p.classes), length = p.cell_columns * stride;
  std::vector<T> row_slope(static_cast<size_t>(length)), slopes(static_cast<size_t>(stride));
  const int32_t* begin = std::lower_bound(p.rows.index, p.rows.index + p.height, static_cast<int32_t>(band));
  for (int64_t y = begin - p.rows.index; y < p.height && p.rows.index[y] == band; ++y) {
    reader.start_row(n, y);
    std::fill(row_slope.begin(), row_slope.end(), T(0));
    for (int64_t x = 0; x < p.width; ++x) {
      const int64_t pixel = (n * p.height + y) * p.width + x;
      const PixelKind kind = kind_of_pixel(p, pixel);
      if (kind == PixelKind::ignored) continue;
      const PixelScores<T> s = reader.at(x);
      const PixelSlope<T> slope = slope_of_pixel(p, kind, p.label[pixel], log_sum[pixel], scales, s);
      if (slope.label < 0) continue;
      write_slopes(slope, p.temperature, s.values, p.classes, slopes.data());
      const T weight = p.columns.weight[x];
      add_scaled(slopes.data(), 1 - weight, stride, row_slope.data() + reader.left(x));
      add_scaled(slopes.data(), weight, stride, row_slope.data() + reader.right(x));
    }
    add_scaled(row_slope.data(), 1 - p.rows.weight[y], length, upper);
    add_scaled(row_slope.data(), p.rows.weight[y], length, lower);
  }
}

template <class T, class Body>
void for_each(const LossProblem<T>& p, int64_t n, const Body& body) {
  if (p.images * p.height * p.width * p.classes >= kWorthThreads) return for_each_in_torch_pool(n, body);
  for (int64_t i = 0; i < n; ++i) body(i);
}

}  // namespace

namespace cpu {

template <class T>
LossSums measure(const LossProblem<T>& p, T* log_sum) {
  const int64_t rows = p.images * p.height;
  const std::vector<T> scores = padded_scores(p);
  std::vector<LossSums> of_row(static_cast<size_t>(rows));
  for_each(p, (rows + kRowsAtOnce - 1) / kRowsAtOnce, [&](int64_t piece) {
    RowReader<T> reader(p, scores);
    for (int64_t row = piece * kRowsAtOnce; row < std::min(rows, (piece + 1) * kRowsAtOnce); ++row)
      of_row[static_cast<size_t>(row)] = measure_row(p, row, log_sum, reader);
  });
  LossSums sums;
  for (const LossSums& row : of_row) sums += row;
  return sums;
}

template <class T>
void gradient(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, T* gradient) {
  const int64_t stride = padded(p.classes), length = p.cell_columns * stride, bands = p.images * p.cell_rows;
  const std::vector<T> scores = padded_scores(p);
  // Each band of pixels writes buffers of its own, so that no order of threads can show.
  std::vector<T> upper(static_cast<size_t>(bands * length)), lower(upper.size());
  for_each(p, bands, [&](int64_t b) {
    spread_band(p, scales, log_sum, b / p.cell_rows, b % p.cell_rows, RowReader<T>(p, scores),
                upper.data() + b * length, lower.data() + b * length);
  });
  for (int64_t b = 0; b < bands; ++b) {
    T* own = upper.data() + b * length;
    if (b % p.cell_rows > 0) add_scaled(lower.data() + (b - 1) * length, T(1), length, own);
    for (int64_t x = 0; x < p.cell_columns; ++x)
      std::copy_n(own + x * stride, p.classes, gradient + (b * p.cell_columns + x) * p.classes);
  }
}

template LossSums measure(const LossProblem<float>&, float*);
template LossSums measure(const LossProblem<double>&, double*);
template void gradient(const LossProblem<float>&, const LossScales<float>&, const float*, float*);
template void gradient(const LossProblem<double>&, const LossScales<double>&, const double*, double*);

}  // namespace cpu
}  // namespace boxseg
