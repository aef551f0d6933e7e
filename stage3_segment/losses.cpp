#include "stage3_segment/losses.h"

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "common/base/error.h"
#include "common/base/parallel.h"
#include "common/nn/cuda/launch.h"
#include "stage3_segment/axis.h"
#include "stage3_segment/cuda/launch.h"
#include "stage3_segment/loss_kernel.h"

namespace boxseg {
namespace {

constexpr double kNormFloor = 1e-12;  // F.normalize

// 1/|x| over dim 1, 0 where the vector is (as good as) zero.
at::Tensor inverse_norm(const at::Tensor& x) {
  const at::Tensor norm = at::linalg_vector_norm(x, 2, {1}, /*keepdim=*/true);
  const at::Tensor is_zero = norm <= kNormFloor;
  return norm.masked_fill(is_zero, 1).reciprocal().masked_fill(is_zero, 0);
}

// The raw view of a call's tensors that the kernels take, and what keeps its memory alive.
template <class T>
struct Prepared {
  LossProblem<T> problem;
  Axis<T> rows, columns;
  at::Tensor scores, label, other, tables;

  Prepared(const at::Tensor& scores_nkhw, const LossLabels& labels, const LossOptions& options)
      : rows(scores_nkhw.size(2), labels.label.size(1)), columns(scores_nkhw.size(3), labels.label.size(2)) {
    scores = scores_nkhw.detach().permute({0, 2, 3, 1}).contiguous();
    label = labels.label.contiguous();
    problem.images = scores.size(0);
    problem.cell_rows = scores.size(1);
    problem.cell_columns = scores.size(2);
    problem.classes = scores.size(3);
    problem.height = label.size(1);
    problem.width = label.size(2);
    problem.scores = scores.template const_data_ptr<T>();
    problem.label = label.template const_data_ptr<uint8_t>();
    if (labels.other.defined()) {
      other = labels.other.contiguous();
      problem.other = other.template const_data_ptr<uint8_t>();
    }
    problem.temperature = static_cast<T>(options.temperature);
    problem.lambda = static_cast<T>(options.lambda);
    problem.gamma = static_cast<T>(options.gamma);
    problem.beta = static_cast<T>(options.kind == LossOptions::Kind::entropy     ? 0
                                  : options.kind == LossOptions::Kind::bootstrap ? options.beta
                                                                                 : 1);
    problem.is_weighted = options.kind == LossOptions::Kind::nal;
    problem.is_detached = options.is_detached;
    problem.rows = rows.view();
    problem.columns = columns.view();
    if (scores.is_cuda()) move_axes();
  }

  // The tables of both axes in one buffer on the GPU; weights first, since they need the larger alignment.
  void move_axes() {
    std::vector<uint8_t> bytes;
    const auto put = [&bytes](const auto& table) {
      const auto* begin = reinterpret_cast<const uint8_t*>(table.data());
      const size_t at = bytes.size();
      bytes.insert(bytes.end(), begin, begin + table.size() * sizeof(table[0]));
      return at;
    };
    const size_t at[6] = {put(rows.weight), put(columns.weight), put(rows.index), put(rows.first), put(rows.end),
                          put(columns.index)};
    const size_t first = put(columns.first), end = put(columns.end);
    tables = at::from_blob(bytes.data(), {static_cast<int64_t>(bytes.size())}, at::kByte).to(scores.device());
    const auto* base = tables.const_data_ptr<uint8_t>();
    const auto whole = [base](size_t offset) { return reinterpret_cast<const int32_t*>(base + offset); };
    problem.rows = {whole(at[2]), reinterpret_cast<const T*>(base + at[0]), whole(at[3]), whole(at[4])};
    problem.columns = {whole(at[5]), reinterpret_cast<const T*>(base + at[1]), whole(first), whole(end)};
  }
};

// A row of pixels between its two rows of cells: [w,K].
template <class T>
void interpolate_rows(const LossProblem<T>& p, int64_t n, int64_t y, T* line) {
  const int64_t length = p.cell_columns * p.classes, top = p.rows.index[y];
  const T* upper = p.scores + (n * p.cell_rows + top) * length;
  const T* lower = top + 1 < p.cell_rows ? upper + length : upper;
  const T weight = p.rows.weight[y];
  for (int64_t i = 0; i < length; ++i) line[i] = (1 - weight) * upper[i] + weight * lower[i];
}

template <class T>
struct Columns {
  int64_t left, right;  // offsets into a line
  T weight;
};

template <class T>
Columns<T> columns_at(const LossProblem<T>& p, int64_t x) {
  const int64_t left = p.columns.index[x];
  return {left * p.classes, (left + 1 < p.cell_columns ? left + 1 : left) * p.classes, p.columns.weight[x]};
}

template <class T>
void interpolate_columns(const LossProblem<T>& p, const T* line, const Columns<T>& at, T* s) {
  for (int64_t c = 0; c < p.classes; ++c) s[c] = (1 - at.weight) * line[at.left + c] + at.weight * line[at.right + c];
}

template <class T>
LossSums measure_row(const LossProblem<T>& p, int64_t row, T* log_sum, T* scratch) {
  LossSums sums;
  T *line = scratch, *s = scratch + p.cell_columns * p.classes;
  bool has_line = false;
  for (int64_t x = 0; x < p.width; ++x) {
    const int64_t pixel = row * p.width + x;
    const PixelKind kind = kind_of_pixel(p, pixel);
    if (kind == PixelKind::ignored) continue;
    if (!has_line) interpolate_rows(p, row / p.height, row % p.height, line);
    has_line = true;
    interpolate_columns(p, line, columns_at(p, x), s);
    const PixelPart<T> part = measure_pixel(p, kind, p.label[pixel], static_cast<const T*>(s));
    log_sum[pixel] = part.log_sum;
    const bool is_reliable = kind == PixelKind::reliable;
    (is_reliable ? sums.reliable_loss : sums.unreliable_loss) += static_cast<double>(part.loss);
    sums.confidence += static_cast<double>(part.confidence);
    ++(is_reliable ? sums.reliable : sums.unreliable);
  }
  return sums;
}

template <class T>
LossSums measure_on_cpu(const LossProblem<T>& p, T* log_sum) {
  std::vector<LossSums> of_row(static_cast<size_t>(p.images * p.height));
  parallel_for(p.images * p.height, 8, at::get_num_threads(), [&](int64_t begin, int64_t end) {
    std::vector<T> scratch(static_cast<size_t>((p.cell_columns + 1) * p.classes));
    for (int64_t row = begin; row < end; ++row)
      of_row[static_cast<size_t>(row)] = measure_row(p, row, log_sum, scratch.data());
  });
  LossSums sums;
  for (const LossSums& row : of_row) sums += row;
  return sums;
}

// The gradient from the pixels between cell rows `band` and band + 1, spread over the two: upper, lower [w,K].
template <class T>
void spread_band(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, int64_t n, int64_t band,
                 T* upper, T* lower, T* scratch) {
  const int64_t length = p.cell_columns * p.classes;
  T *line = scratch, *line_slope = scratch + length, *s = line_slope + length;
  const int32_t* begin = std::lower_bound(p.rows.index, p.rows.index + p.height, static_cast<int32_t>(band));
  for (int64_t y = begin - p.rows.index; y < p.height && p.rows.index[y] == band; ++y) {
    interpolate_rows(p, n, y, line);
    std::fill(line_slope, line_slope + length, T(0));
    for (int64_t x = 0; x < p.width; ++x) {
      const int64_t pixel = (n * p.height + y) * p.width + x;
      const PixelKind kind = kind_of_pixel(p, pixel);
      if (kind == PixelKind::ignored) continue;
      const Columns<T> at = columns_at(p, x);
      interpolate_columns(p, line, at, s);
      const PixelSlope<T> slope =
          slope_of_pixel(p, kind, p.label[pixel], log_sum[pixel], scales, static_cast<const T*>(s));
      if (slope.label < 0) continue;
      for (int64_t c = 0; c < p.classes; ++c) s[c] = slope_of_class(slope, p.temperature, s[c], c);
      T *left = line_slope + at.left, *right = line_slope + at.right;
      for (int64_t c = 0; c < p.classes; ++c) left[c] += (1 - at.weight) * s[c];
      for (int64_t c = 0; c < p.classes; ++c) right[c] += at.weight * s[c];
    }
    const T weight = p.rows.weight[y];
    for (int64_t i = 0; i < length; ++i) upper[i] += (1 - weight) * line_slope[i];
    for (int64_t i = 0; i < length; ++i) lower[i] += weight * line_slope[i];
  }
}

template <class T>
void gradient_on_cpu(const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum, T* gradient) {
  const int64_t length = p.cell_columns * p.classes, bands = p.images * p.cell_rows;
  // Each band of pixels writes buffers of its own, so that no order of threads can show.
  std::vector<T> upper(static_cast<size_t>(bands * length)), lower(upper.size());
  parallel_for(bands, 1, at::get_num_threads(), [&](int64_t begin, int64_t end) {
    std::vector<T> scratch(static_cast<size_t>(2 * length + p.classes));
    for (int64_t b = begin; b < end; ++b)
      spread_band(p, scales, log_sum, b / p.cell_rows, b % p.cell_rows, &upper[static_cast<size_t>(b * length)],
                  &lower[static_cast<size_t>(b * length)], scratch.data());
  });
  for (int64_t b = 0; b < bands; ++b) {
    const T* above = b % p.cell_rows > 0 ? &lower[static_cast<size_t>((b - 1) * length)] : nullptr;
    for (int64_t i = 0; i < length; ++i)
      gradient[b * length + i] = upper[static_cast<size_t>(b * length + i)] + (above != nullptr ? above[i] : T(0));
  }
}

template <class T>
LossSums measure(const Prepared<T>& of, at::Tensor& log_sum) {
  const LossProblem<T>& p = of.problem;
  log_sum = at::empty({p.images, p.height, p.width}, of.scores.options());
  if (!of.scores.is_cuda()) return measure_on_cpu(p, log_sum.mutable_data_ptr<T>());
  const int64_t rows = p.images * p.height;
  const at::Tensor row_sums = at::empty({rows, 3}, of.scores.options().dtype(at::kDouble));
  const at::Tensor row_counts = at::empty({rows, 2}, of.scores.options().dtype(at::kLong));
  cuda::measure(p, log_sum.mutable_data_ptr<T>(), row_sums.mutable_data_ptr<double>(),
                row_counts.mutable_data_ptr<int64_t>(), nn_cuda::current_stream(of.scores));
  const at::Tensor sums_here = row_sums.cpu(), counts_here = row_counts.cpu();
  const double* s = sums_here.const_data_ptr<double>();
  const int64_t* c = counts_here.const_data_ptr<int64_t>();
  LossSums sums;
  for (int64_t row = 0; row < rows; ++row)
    sums += {s[3 * row], s[3 * row + 1], s[3 * row + 2], c[2 * row], c[2 * row + 1]};
  return sums;
}

template <class T>
at::Tensor gradient_of(const Prepared<T>& of, const at::Tensor& log_sum, const LossSums& sums,
                       const LossOptions& options) {
  const LossProblem<T>& p = of.problem;
  const bool has_second = options.kind != LossOptions::Kind::plain && sums.confidence > 0;
  LossScales<T> scales;
  scales.reliable = static_cast<T>(sums.reliable > 0 ? 1.0 / static_cast<double>(sums.reliable) : 0.0);
  scales.unreliable = static_cast<T>(has_second ? options.lambda / sums.confidence : 0.0);
  scales.mean = static_cast<T>(sums.second());
  at::Tensor gradient = at::empty_like(of.scores);
  if (of.scores.is_cuda()) {
    const int64_t bytes = p.images * p.height * p.width * static_cast<int64_t>(sizeof(PixelSlope<T>));
    const at::Tensor work = at::empty({bytes}, of.scores.options().dtype(at::kByte));
    cuda::gradient(p, scales, log_sum.const_data_ptr<T>(), reinterpret_cast<PixelSlope<T>*>(work.mutable_data_ptr()),
                   gradient.mutable_data_ptr<T>(), nn_cuda::current_stream(of.scores));
  } else {
    gradient_on_cpu(p, scales, log_sum.const_data_ptr<T>(), gradient.mutable_data_ptr<T>());
  }
  return gradient.permute({0, 3, 1, 2}).contiguous();
}

void check(const at::Tensor& scores, const LossLabels& labels) {
  ensure(scores.dim() == 4 && scores.numel() > 0, "loss: expected scores [N,K,h,w], got {}", fmt::join(scores.sizes(), "x"));
  const auto fits = [&](const at::Tensor& map) {
    return map.scalar_type() == at::kByte && map.dim() == 3 && map.size(0) == scores.size(0) &&
           map.sizes() == labels.label.sizes() && map.numel() > 0 && map.device() == scores.device();
  };
  ensure(labels.label.defined() && fits(labels.label) && (!labels.other.defined() || fits(labels.other)),
         "loss: expected labels [N,H,W] uint8 on the scores' device, for scores {}", fmt::join(scores.sizes(), "x"));
  const at::Tensor is_wrong = labels.label.ge(scores.size(1)).logical_and_(labels.label.ne(kVoidLabel));
  if (is_wrong.any().item<bool>())
    fail_input("labels: {} is neither a class (0 to {}) nor 255 (void)",
               labels.label.masked_select(is_wrong)[0].item<int>(), scores.size(1) - 1);
}

// Calls body(Prepared<T>) with the T of the scores.
template <class Body>
auto with_prepared(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options, const Body& body) {
  check(scores, labels);
  const c10::OptionalDeviceGuard guard(scores.is_cuda() ? std::optional(scores.device()) : std::nullopt);
  ensure(scores.scalar_type() == at::kFloat || scores.scalar_type() == at::kDouble,
         "loss: expected float32 or float64 scores, got {}", c10::toString(scores.scalar_type()));
  if (scores.scalar_type() == at::kDouble) return body(Prepared<double>(scores, labels, options));
  return body(Prepared<float>(scores, labels, options));
}

// The gradient is made together with the value, while the labels and scores are at hand.
struct LossFunction : torch::autograd::Function<LossFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& scores, const LossLabels& labels,
                            const LossOptions& options, LossSums* sums) {
    const auto compute = [&](const auto& prepared) {
      at::Tensor log_sum;
      *sums = measure(prepared, log_sum);
      if (scores.requires_grad()) context->save_for_backward({gradient_of(prepared, log_sum, *sums, options)});
      return at::full({}, sums->total(options), scores.options());
    };
    return with_prepared(scores, labels, options, compute);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& from) {
    return {from[0] * context->get_saved_variables()[0], at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

LossSums& LossSums::operator+=(const LossSums& more) {
  reliable_loss += more.reliable_loss;
  unreliable_loss += more.unreliable_loss;
  confidence += more.confidence;
  reliable += more.reliable;
  unreliable += more.unreliable;
  return *this;
}

double LossSums::total(const LossOptions& options) const {
  const bool has_second = options.kind != LossOptions::Kind::plain;
  return cross_entropy() + (has_second ? options.lambda * second() : 0.0);
}

at::Tensor cosine_scores(const at::Tensor& features, const at::Tensor& weight) {
  const at::Tensor w = weight.dim() == 2 ? weight.unsqueeze(-1).unsqueeze(-1) : weight;
  ensure(features.dim() == 4 && w.dim() == 4 && w.size(1) == features.size(1),
         "cosine scores: features {} do not fit weights {}", fmt::join(features.sizes(), "x"), fmt::join(w.sizes(), "x"));
  // Dividing the products by the features' norms, instead of the features, saves a copy of all features.
  return at::conv2d(features, w * inverse_norm(w)) * inverse_norm(features);
}

LossSums loss_sums(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options) {
  at::Tensor log_sum;
  return with_prepared(scores, labels, options, [&](const auto& prepared) { return measure(prepared, log_sum); });
}

at::Tensor loss_gradient(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options,
                         const LossSums& whole, LossSums* part) {
  return with_prepared(scores, labels, options, [&](const auto& prepared) {
    at::Tensor log_sum;
    const LossSums sums = measure(prepared, log_sum);
    if (part != nullptr) *part = sums;
    return gradient_of(prepared, log_sum, whole, options);
  });
}

LossSums count_pixels(const LossLabels& labels) {
  const at::Tensor is_known = labels.label.ne(kVoidLabel);
  LossSums sums;
  sums.reliable = (labels.other.defined() ? is_known.logical_and(labels.label.eq(labels.other)) : is_known).sum().item<int64_t>();
  sums.unreliable = is_known.sum().item<int64_t>() - sums.reliable;
  sums.confidence = static_cast<double>(sums.unreliable);
  return sums;
}

at::Tensor segmentation_loss(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options,
                             LossSums* sums) {
  LossSums here;
  return LossFunction::apply(scores, labels, options, sums != nullptr ? sums : &here);
}

at::Tensor confidence_map(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options) {
  return with_prepared(scores.cpu(), {labels.label.cpu(), labels.other.defined() ? labels.other.cpu() : labels.other},
                       options, [&](const auto& prepared) {
                         using T = std::decay_t<decltype(prepared.problem.lambda)>;
                         const LossProblem<T>& p = prepared.problem;
                         const at::Tensor map = at::zeros({p.images, p.height, p.width}, prepared.scores.options());
                         T* out = map.template mutable_data_ptr<T>();
                         for (int64_t i = 0; i < map.numel(); ++i) {
                           if (kind_of_pixel(p, i) != PixelKind::unreliable) continue;
                           const int64_t x = i % p.width, y = i / p.width % p.height, n = i / p.width / p.height;
                           out[i] = confidence_of(scores_at(p, n, y, x), p.classes, p.label[i], p.gamma).value;
                         }
                         return map;
                       });
}

}  // namespace boxseg
