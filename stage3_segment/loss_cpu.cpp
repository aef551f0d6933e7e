#include "stage3_segment/loss_cpu.h"

#include <algorithm>
#include <vector>

#include "common/nn/torch_pool.h"
#include "stage3_segment/exp_lanes.h"

namespace boxseg {
namespace {

constexpr int64_t kRowsAtOnce = 8;
constexpr int64_t kWorthThreads = 50000;  // scores; below, waking the threads costs more than they save
constexpr float kNoScore = -1e4f;  // fills lanes without a class: its exponential is as good as nothing

int64_t padded(int64_t classes) { return (classes + kLanes - 1) / kLanes * kLanes; }

// A pixel's scores in memory, padded to whole lanes with kNoScore.
template <class T>
struct PixelScores {
  const T* values;
  T operator[](int64_t c) const { return values[c]; }
};

// What measure_pixel() finds for these scores in place of its general form.
float log_sum_of(const PixelScores<float>& s, int64_t classes, float temperature) {
  Lanes top = load_lanes(s.values);
  for (int64_t c = kLanes; c < classes; c += kLanes) {
    const Lanes v = load_lanes(s.values + c);
    top = v > top ? v : top;
  }
  float largest = top[0];
  for (int i = 1; i < kLanes; ++i) largest = top[i] > largest ? top[i] : largest;
  Lanes sums = spread(0);
  for (int64_t c = 0; c < classes; c += kLanes)
    sums += exp_lanes((load_lanes(s.values + c) - spread(largest)) * spread(temperature));
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += sums[i];
  return temperature * largest + std::log(sum);
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

// A thread's work space, and where the current row of pixels lies between its rows of cells.
template <class T>
class RowReader {
 public:
  explicit RowReader(const LossProblem<T>& p)
      : p_(p), line_(static_cast<size_t>(p.cell_columns * p.classes)), pixel_(static_cast<size_t>(padded(p.classes)), T(kNoScore)) {}

  void start_row(int64_t n, int64_t y) {
    const auto length = static_cast<int64_t>(line_.size());
    const T* upper = p_.scores + (n * p_.cell_rows + p_.rows.index[y]) * length;
    const T* lower = p_.rows.index[y] + 1 < p_.cell_rows ? upper + length : upper;
    const T weight = p_.rows.weight[y];
    for (int64_t i = 0; i < length; ++i) line_[static_cast<size_t>(i)] = (1 - weight) * upper[i] + weight * lower[i];
  }
  int64_t left(int64_t x) const { return p_.columns.index[x] * p_.classes; }  // offsets into a row of cells
  int64_t right(int64_t x) const { return p_.columns.index[x] + 1 < p_.cell_columns ? left(x) + p_.classes : left(x); }

  PixelScores<T> at(int64_t x) {
    const T *a = line_.data() + left(x), *b = line_.data() + right(x);
    const T weight = p_.columns.weight[x];
    for (int64_t c = 0; c < p_.classes; ++c) pixel_[static_cast<size_t>(c)] = (1 - weight) * a[c] + weight * b[c];
    return {pixel_.data()};
  }

 private:
  const LossProblem<T>& p_;
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

// The gradient from the pixels between cell rows `band` and band + 1, spread over the two: upper, lower [w,K].
template <class T>
void spread_band(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, int64_t n, int64_t band, T* upper,
                 T* lower) {
  const int64_t length = p.cell_columns * p.classes;
  RowReader<T> reader(p);
  std::vector<T> row_slope(static_cast<size_t>(length)), slopes(static_cast<size_t>(padded(p.classes)));
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
      T *left = row_slope.data() + reader.left(x), *right = row_slope.data() + reader.right(x);
      const T* from = slopes.data();
      for (int64_t c = 0; c < p.classes; ++c) left[c] += (1 - weight) * from[c];
      for (int64_t c = 0; c < p.classes; ++c) right[c] += weight * from[c];
    }
    const T weight = p.rows.weight[y];
    for (int64_t i = 0; i < length; ++i) upper[i] += (1 - weight) * row_slope[static_cast<size_t>(i)];
    for (int64_t i = 0; i < length; ++i) lower[i] += weight * row_slope[static_cast<size_t>(i)];
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
  std::vector<LossSums> of_row(static_cast<size_t>(rows));
  for_each(p, (rows + kRowsAtOnce - 1) / kRowsAtOnce, [&](int64_t piece) {
    RowReader<T> reader(p);
    for (int64_t row = piece * kRowsAtOnce; row < std::min(rows, (piece + 1) * kRowsAtOnce); ++row)
      of_row[static_cast<size_t>(row)] = measure_row(p, row, log_sum, reader);
  });
  LossSums sums;
  for (const LossSums& row : of_row) sums += row;
  return sums;
}

template <class T>
void gradient(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, T* gradient) {
  const int64_t length = p.cell_columns * p.classes, bands = p.images * p.cell_rows;
  // Each band of pixels writes buffers of its own, so that no order of threads can show.
  std::vector<T> upper(static_cast<size_t>(bands * length)), lower(upper.size());
  for_each(p, bands, [&](int64_t b) {
    spread_band(p, scales, log_sum, b / p.cell_rows, b % p.cell_rows, upper.data() + b * length, lower.data() + b * length);
  });
  for (int64_t b = 0; b < bands; ++b) {
    const T* own = upper.data() + b * length;
    const T* above = b % p.cell_rows > 0 ? lower.data() + (b - 1) * length : nullptr;
    for (int64_t i = 0; i < length; ++i) gradient[b * length + i] = own[i] + (above != nullptr ? above[i] : T(0));
  }
}

template LossSums measure(const LossProblem<float>&, float*);
template LossSums measure(const LossProblem<double>&, double*);
template void gradient(const LossProblem<float>&, const LossScales<float>&, const float*, float*);
template void gradient(const LossProblem<double>&, const LossScales<double>&, const double*, double*);

}  // namespace cpu
}  // namespace boxseg
