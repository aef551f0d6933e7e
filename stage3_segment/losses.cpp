#include "stage3_segment/losses.h"

#include <c10/core/DeviceGuard.h>
#include <fmt/ranges.h>

#include <array>
#include <type_traits>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/transfer.h"
#include "stage3_segment/axis.h"
#include "stage3_segment/loss_cpu.h"
#include "stage3_segment/loss_device.h"
#include "stage3_segment/loss_kernel.h"

namespace boxseg {
namespace {

at::Tensor is_wrong_label(const at::Tensor& label, int64_t classes) {
  return label.ge(classes).logical_and_(label.ne(kVoidLabel));
}

[[noreturn]] void refuse_labels(const at::Tensor& label, int64_t classes) {
  fail_input("labels: {} is neither a class (0 to {}) nor 255 (void)",
             label.masked_select(is_wrong_label(label, classes))[0].item<int>(), classes - 1);
}

// Holds the raw view of a call's tensors that the kernels take, and what keeps its memory alive.
template <class T>
struct Prepared {
  LossProblem<T> problem;
  Axis<T> rows, columns;
  at::Tensor scores, label, other;
  bool on_device_path;
  DeviceTables tables;

  Prepared(const at::Tensor& scores_nkhw, const LossLabels& labels, const LossOptions& options)
      : rows(scores_nkhw.size(2), labels.label.size(1), options.align_corners),
        columns(scores_nkhw.size(3), labels.label.size(2), options.align_corners),
        on_device_path(takes_device_path(scores_nkhw)) {
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
    problem.gamma = static_cast<T>(options.gamma);
    const SecondTerm term = second_term(options);
    problem.beta = static_cast<T>(term.cross_entropy_share);
    problem.is_weighted = term.is_weighted;
    problem.is_detached = options.is_detached;
    problem.rows = rows.view();
    problem.columns = columns.view();
    if (on_device_path) move_axes();
  }

  // Puts the tables of both axes where the scores are.
  void move_axes() {
    const auto add = [this](const Axis<T>& axis) {
      return std::array{tables.add(axis.index), tables.add(axis.weight), tables.add(axis.first), tables.add(axis.end)};
    };
    const std::array of_rows = add(rows), of_columns = add(columns);
    tables.upload_to(scores.device());
    const auto view = [this](const auto& places) {
      return AxisView<T>{tables.get<int32_t>(places[0]), tables.get<T>(places[1]), tables.get<int32_t>(places[2]),
                         tables.get<int32_t>(places[3])};
    };
    problem.rows = view(of_rows);
    problem.columns = view(of_columns);
  }
};

template <class T>
LossSums measure(const Prepared<T>& of, at::Tensor& log_sum) {
  const LossProblem<T>& p = of.problem;
  log_sum = at::empty({p.images, p.height, p.width}, of.scores.options());
  if (!of.on_device_path) return cpu::measure(p, log_sum.mutable_data_ptr<T>());
  const device::Measured measured = device::measure(p, of.scores, log_sum.mutable_data_ptr<T>());
  if (measured.wrong > 0) refuse_labels(of.label, p.classes);
  return measured.sums;
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
  if (of.on_device_path)
    device::gradient(p, scales, of.scores, log_sum.const_data_ptr<T>(), gradient.mutable_data_ptr<T>());
  else
    cpu::gradient(p, scales, log_sum.const_data_ptr<T>(), gradient.mutable_data_ptr<T>());
  return gradient.permute({0, 3, 1, 2}).contiguous();
}

void check(const at::Tensor& scores, const LossLabels& labels) {
  ensure(scores.dim() == 4 && scores.numel() > 0, "loss: expected scores [N,K,h,w], got {}",
         fmt::join(scores.sizes(), "x"));
  const auto fits = [&](const at::Tensor& map) {
    return map.scalar_type() == at::kByte && map.dim() == 3 && map.size(0) == scores.size(0) &&
           map.sizes() == labels.label.sizes() && map.numel() > 0 && map.device() == scores.device();
  };
  ensure(labels.label.defined() && fits(labels.label) && (!labels.other.defined() || fits(labels.other)),
         "loss: expected labels [N,H,W] uint8 on the scores' device, for scores {}", fmt::join(scores.sizes(), "x"));
  // The device path counts wrong labels while it measures; asking here would wait for the device once more.
  if (!takes_device_path(scores) && is_wrong_label(labels.label, scores.size(1)).any().item<bool>())
    refuse_labels(labels.label, scores.size(1));
}

// Calls body(Prepared<T>) with the T of the scores.
template <class Body>
auto with_prepared(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options, const Body& body) {
  check(scores, labels);
  const c10::DeviceGuard guard(scores.device());
  ensure(scores.scalar_type() == at::kFloat || scores.scalar_type() == at::kDouble,
         "loss: expected float32 or float64 scores, got {}", c10::toString(scores.scalar_type()));
  if (scores.scalar_type() == at::kDouble) return body(Prepared<double>(scores, labels, options));
  return body(Prepared<float>(scores, labels, options));
}

// The gradient is made together with the value, while the labels and scores are at hand.
struct LossFunction : torch::autograd::Function<LossFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& scores,
                            const LossLabels& labels, const LossOptions& options, LossSums* sums) {
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

// The switch has no default, so that the compiler names a kind that it lacks.
SecondTerm second_term(const LossOptions& options) {
  switch (options.kind) {
    case LossOptions::Kind::plain:
      return {};
    case LossOptions::Kind::nal:
      return {.is_weighted = true};
    case LossOptions::Kind::entropy:
      return {.cross_entropy_share = 0};
    case LossOptions::Kind::bootstrap:
      return {.cross_entropy_share = options.beta};
  }
  fail("second_term: kind {} is none", static_cast<int>(options.kind));
}

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

void segmentation_loss_backward(const at::Tensor& scores, const at::Tensor& confidence, const LossLabels& labels,
                                const LossOptions& options, const LossSums& whole, LossSums* part) {
  const at::Tensor both = loss_gradient(scores, labels, options, whole, part);
  if (confidence.is_same(scores)) return scores.backward(both);
  LossOptions without = options;
  without.is_detached = true;
  const at::Tensor through_logits = loss_gradient(scores, labels, without, whole);
  torch::autograd::backward({scores, confidence}, {through_logits, both - through_logits});
}

LossSums count_pixels(const LossLabels& labels) {
  const at::Tensor is_known = labels.label.ne(kVoidLabel);
  const at::Tensor is_reliable =
      labels.other.defined() ? is_known.logical_and(labels.label.eq(labels.other)) : is_known;
  const at::Tensor counts = download(at::stack({is_known.sum(), is_reliable.sum()}));
  LossSums sums;
  sums.reliable = counts[1].item<int64_t>();
  sums.unreliable = counts[0].item<int64_t>() - sums.reliable;
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
                         using T = std::decay_t<decltype(prepared.problem.gamma)>;
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
