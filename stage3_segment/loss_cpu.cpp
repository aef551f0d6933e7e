#include "stage3_segment/loss_cpu.h"

#include <algorithm>
#include <vector>

#include "common/ops/torch_pool.h"
#include "stage3_segment/pixel_block.h"

namespace boxseg {
namespace {

BOXSEG_FUSE_PRODUCTS

constexpr int64_t kRowsAtOnce = 8;
// For fewer scores, waking the threads costs more than they save.
constexpr int64_t kWorthThreads = 50000;

// Computes the row of cells at the height of pixels (n,y); out: [w,K].
template <class T>
void blend_rows(const LossProblem<T>& p, int64_t n, int64_t y, T* out) {
  const int64_t length = p.cell_columns * p.classes;
  const T* upper = p.scores + (n * p.cell_rows + p.rows.index[y]) * length;
  const T* lower = p.rows.index[y] + 1 < p.cell_rows ? upper + length : upper;
  const T of_lower = p.rows.weight[y], of_upper = 1 - of_lower;
  for (int64_t i = 0; i < length; ++i) out[i] = of_upper * upper[i] + of_lower * lower[i];
}

// This is a thread's work space for measure_row().
template <class T>
struct RowSpace {
  std::vector<T> line, scores;
  explicit RowSpace(const LossProblem<T>& p)
      : line(static_cast<size_t>(p.cell_columns * p.classes)), scores(static_cast<size_t>(p.classes * kPixelLanes)) {}
};

template <class T>
LossSums measure_row(const LossProblem<T>& p, const std::vector<PixelBlock<T>>& blocks, int64_t row, T* log_sum,
                     RowSpace<T>& space) {
  LossSums sums;
  bool has_started = false;
  for (const PixelBlock<T>& block : blocks) {
    const int64_t first = row * p.width + block.x;
    if (BlockLabels(p, first, block.pixels).are_void()) continue;
    if (!has_started) blend_rows(p, row / p.height, row % p.height, space.line.data());
    has_started = true;
    const T* scores = space.scores.data();
    interpolate(block, space.line.data(), p.classes, space.scores.data());
    // These are arrays, since on the lanes of vectors clang would work one by one.
    T largest[kPixelLanes], of_block[kPixelLanes];
    const PixelLanes<T> top = largest_scores(scores, p.classes);
    store_wide(largest, top);
    store_wide(of_block, log_sums(scores, p.classes, p.temperature, top));
    for (int lane = 0; lane < block.pixels; ++lane) {
      const int64_t pixel = first + lane;
      const PixelKind kind = kind_of_pixel(p, pixel);
      if (kind == PixelKind::ignored) continue;
      const LaneScores<T> s{scores + lane, largest[lane], of_block[lane]};
      const PixelPart<T> part = measure_pixel(p, kind, p.label[pixel], s);
      log_sum[pixel] = part.log_sum;
      const bool is_reliable = kind == PixelKind::reliable;
      (is_reliable ? sums.reliable_loss : sums.unreliable_loss) += static_cast<double>(part.loss);
      sums.confidence += static_cast<double>(part.confidence);
      ++(is_reliable ? sums.reliable : sums.unreliable);
    }
  }
  return sums;
}

// Holds the PixelSlope of each of a block's pixels. Lanes without a gradient have the factors 0.
template <class T>
struct BlockSlope {
  // It stands in place of their log_sum, so that their exponentials are 0, whatever their scores.
  static constexpr T kNoGradient = 1e4;
  T log_sum[kPixelLanes], cross_entropy[kPixelLanes], label[kPixelLanes], label_extra[kPixelLanes];
  T entropy[kPixelLanes], entropy_value[kPixelLanes], top[kPixelLanes], top_extra[kPixelLanes];
  bool has_entropy = false, has_top = false;

  void set(int lane, const PixelSlope<T>& slope) {
    const bool has_gradient = slope.label >= 0;
    log_sum[lane] = has_gradient ? slope.log_sum : kNoGradient;
    cross_entropy[lane] = slope.cross_entropy;
    label[lane] = static_cast<T>(slope.label);
    label_extra[lane] = slope.label_extra - slope.cross_entropy;
    entropy[lane] = slope.entropy;
    entropy_value[lane] = slope.entropy_value;
    top[lane] = static_cast<T>(slope.top);
    top_extra[lane] = slope.top_extra;
    has_entropy |= slope.entropy != 0;
    has_top |= slope.top >= 0;
  }
};

// Computes slope_of_class() for a block's pixels. The formula stands here once more because its products are fused,
// its exponential is that of lanes, and its branches are those of a block; the tests compare the two.
template <class T>
class ClassSlopes {
  using Lanes = PixelLanes<T>;

 public:
  ClassSlopes(const BlockSlope<T>& slope, T temperature)
      : slope_(slope),
        temperature_(temperature),
        log_sum_(load(slope.log_sum)),
        cross_entropy_(load(slope.cross_entropy)),
        label_(load(slope.label)),
        label_extra_(load(slope.label_extra)) {}

  Lanes at(int64_t c, const Lanes& score) const {
    const Lanes log_p = score * temperature_ - log_sum_, p = exp_of(log_p), of_class = spread(static_cast<T>(c)),
                none{};
    Lanes value = cross_entropy_ * p + (label_ == of_class ? label_extra_ : none);
    if (slope_.has_entropy) value -= load(slope_.entropy) * p * (log_p + load(slope_.entropy_value));
    if (slope_.has_top) value += load(slope_.top) == of_class ? load(slope_.top_extra) : none;
    return value;
  }

 private:
  static Lanes load(const T* from) { return load_wide<Lanes>(from); }
  const BlockSlope<T>& slope_;
  const T temperature_;
  const Lanes log_sum_, cross_entropy_, label_, label_extra_;
};

// Computes the gradient from the pixels between cell rows `band` and band + 1 of an image, spread over the two: upper,
// lower [w,K].
template <class T>
class BandGradient {
  using Lanes = PixelLanes<T>;

 public:
  BandGradient(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, int64_t n, int64_t band)
      : p_(p), scales_(scales), log_sum_(log_sum), n_(n), length_(p.cell_columns * p.classes) {
    const auto [begin, end] = std::equal_range(p.rows.index, p.rows.index + p.height, static_cast<int32_t>(band));
    first_ = begin - p.rows.index;
    end_ = end - p.rows.index;
    lines_.resize(static_cast<size_t>((end_ - first_) * length_));
    for (int64_t y = first_; y < end_; ++y) blend_rows(p, n, y, lines_.data() + (y - first_) * length_);
    for (std::vector<T>* v : {&scores_, &of_upper_, &of_lower_})
      v->resize(static_cast<size_t>(p.classes * kPixelLanes));
  }

  void add(const PixelBlock<T>& block, T* upper, T* lower) {
    std::fill(of_upper_.begin(), of_upper_.end(), T(0));
    std::fill(of_lower_.begin(), of_lower_.end(), T(0));
    bool has_gradient = false;
    for (int64_t y = first_; y < end_; ++y) has_gradient |= add_row(block, y);
    if (!has_gradient) return;
    const Lanes left = load_wide<Lanes>(block.of_left), right = load_wide<Lanes>(block.of_right);
    for (int64_t c = 0; c < p_.classes; ++c) {
      const auto u = load_wide<Lanes>(&of_upper_[static_cast<size_t>(c * kPixelLanes)]);
      const auto l = load_wide<Lanes>(&of_lower_[static_cast<size_t>(c * kPixelLanes)]);
      const FourSums<T> sums = sums_over_lanes<T>(u * left, u * right, l * left, l * right);
      upper[block.left + c] += sums.of_a;
      upper[block.right + c] += sums.of_b;
      lower[block.left + c] += sums.of_c;
      lower[block.right + c] += sums.of_d;
    }
  }

 private:
  // Adds a row of the block, weighted by its distance to the two rows of cells; returns false where it has no gradient.
  bool add_row(const PixelBlock<T>& block, int64_t y) {
    const int64_t pixel = (n_ * p_.height + y) * p_.width + block.x;
    const BlockLabels labels(p_, pixel, block.pixels);
    if (labels.are_void()) return false;
    T* scores = scores_.data();
    interpolate(block, lines_.data() + (y - first_) * length_, p_.classes, scores);
    BlockSlope<T> slope;
    set_reliable(labels, pixel, block.pixels, slope);
    if (!labels.are_reliable()) set_unreliable(pixel, block.pixels, slope);
    const ClassSlopes<T> slopes(slope, p_.temperature);
    const T of_lower = p_.rows.weight[y], of_upper = 1 - of_lower;
    for (int64_t at = 0; at < p_.classes * kPixelLanes; at += kPixelLanes) {
      const Lanes value = slopes.at(at / kPixelLanes, load_wide<Lanes>(scores + at));
      T *u = of_upper_.data() + at, *l = of_lower_.data() + at;
      store_wide(u, load_wide<Lanes>(u) + value * of_upper);
      store_wide(l, load_wide<Lanes>(l) + value * of_lower);
    }
    return true;
  }

  // Sets the slopes of all pixels as if those that are not void were reliable, and clears the rest.
  void set_reliable(const BlockLabels& labels, int64_t pixel, int pixels, BlockSlope<T>& slope) const {
    const Lanes label = labels.labels<T>(), none{};
    const auto is_void = label == spread(static_cast<T>(kVoidLabel));
    Lanes sums{};
    if (pixels == kPixelLanes)
      sums = load_wide<Lanes>(log_sum_ + pixel);
    else
      std::memcpy(&sums, log_sum_ + pixel, static_cast<size_t>(pixels) * sizeof(T));
    const Lanes factor = is_void ? none : spread(scales_.reliable * p_.temperature);
    store_wide(slope.log_sum, is_void ? spread(BlockSlope<T>::kNoGradient) : sums);
    store_wide(slope.cross_entropy, factor);
    store_wide(slope.label, label);
    store_wide(slope.label_extra, none - factor);
    for (T* of_unreliable : {slope.entropy, slope.entropy_value, slope.top_extra}) store_wide(of_unreliable, none);
    store_wide(slope.top, spread(T(-1)));
  }

  void set_unreliable(int64_t first, int pixels, BlockSlope<T>& slope) const {
    T largest[kPixelLanes];
    store_wide(largest, largest_scores(scores_.data(), p_.classes));
    for (int lane = 0; lane < pixels; ++lane) {
      const int64_t pixel = first + lane;
      const PixelKind kind = kind_of_pixel(p_, pixel);
      if (kind != PixelKind::unreliable) continue;
      const LaneScores<T> s{scores_.data() + lane, largest[lane], log_sum_[pixel]};
      slope.set(lane, slope_of_pixel(p_, kind, p_.label[pixel], log_sum_[pixel], scales_, s));
    }
  }

  const LossProblem<T>& p_;
  const LossScales<T>& scales_;
  const T* log_sum_;
  const int64_t n_, length_;
  int64_t first_, end_;                 // rows of pixels
  std::vector<T> lines_;                // rows of cells at the pixels' height, [end - first,w,K]
  std::vector<T> scores_;               // a block's scores, [K,lane]
  std::vector<T> of_upper_, of_lower_;  // a block's gradient, summed over its rows, [K,lane]
};

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
  const std::vector<PixelBlock<T>> blocks = blocks_of_row(p);
  std::vector<LossSums> of_row(static_cast<size_t>(rows));
  for_each(p, (rows + kRowsAtOnce - 1) / kRowsAtOnce, [&](int64_t piece) {
    RowSpace<T> space(p);
    for (int64_t row = piece * kRowsAtOnce; row < std::min(rows, (piece + 1) * kRowsAtOnce); ++row)
      of_row[static_cast<size_t>(row)] = measure_row(p, blocks, row, log_sum, space);
  });
  LossSums sums;
  for (const LossSums& row : of_row) sums += row;
  return sums;
}

template <class T>
void gradient(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, T* gradient) {
  const int64_t length = p.cell_columns * p.classes, bands = p.images * p.cell_rows;
  const std::vector<PixelBlock<T>> blocks = blocks_of_row(p);
  // Each band of pixels writes buffers of its own, so that the order of threads cannot show.
  std::vector<T> lower(static_cast<size_t>(bands * length));
  std::fill_n(gradient, bands * length, T(0));
  for_each(p, bands, [&](int64_t b) {
    BandGradient<T> band(p, scales, log_sum, b / p.cell_rows, b % p.cell_rows);
    for (const PixelBlock<T>& block : blocks) band.add(block, gradient + b * length, lower.data() + b * length);
  });
  for (int64_t b = 0; b < bands; ++b) {
    if (b % p.cell_rows == 0) continue;
    for (int64_t i = 0; i < length; ++i) gradient[b * length + i] += lower[static_cast<size_t>((b - 1) * length + i)];
  }
}

template LossSums measure(const LossProblem<float>&, float*);
template LossSums measure(const LossProblem<double>&, double*);
template void gradient(const LossProblem<float>&, const LossScales<float>&, const float*, float*);
template void gradient(const LossProblem<double>&, const LossScales<double>&, const double*, double*);

}  // namespace cpu
}  // namespace boxseg
