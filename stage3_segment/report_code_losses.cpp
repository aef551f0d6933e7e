#include <ATen/ATen.h>

#include <cmath>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/transfer.h"
#include "stage3_segment/axis.h"
#include "stage3_segment/loss_kernel.h"
#include "stage3_segment/losses.h"

namespace boxseg {
namespace {

using Kind = LossOptions::Kind;

// Returns [N,K,H,W] bool: whether class c is the pixel's label.
at::Tensor class_mask(const at::Tensor& label, int64_t classes) {
  return label.unsqueeze(1).eq(at::arange(classes, label.options()).view({1, classes, 1, 1}));
}

// Returns [positions,cells]: how much of each cell enters each position of an axis.
at::Tensor axis_matrix(int64_t cells, int64_t positions, bool align_corners, const at::Tensor& like) {
  const Axis<double> axis(cells, positions, align_corners);
  const at::Tensor matrix = at::zeros({positions, cells}, at::kDouble);
  auto entry = matrix.accessor<double, 2>();
  for (int64_t p = 0; p < positions; ++p) {
    const auto at = static_cast<size_t>(p);
    entry[p][axis.index[at]] += 1 - axis.weight[at];
    if (axis.weight[at] != 0) entry[p][axis.index[at] + 1] += axis.weight[at];
  }
  return upload(matrix.to(like.scalar_type()), like.device());
}

// Interpolates scores to the labels' size. The device path does it by two products, whose way back has the same bits in
// every run; LibTorch's interpolation on a GPU adds up its gradient in the order of threads.
at::Tensor interpolated(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options) {
  const int64_t height = labels.label.size(1), width = labels.label.size(2);
  if (!takes_device_path(scores)) return at::upsample_bilinear2d(scores, {height, width}, options.align_corners);
  const at::Tensor rows = axis_matrix(scores.size(2), height, options.align_corners, scores);
  const at::Tensor columns = axis_matrix(scores.size(3), width, options.align_corners, scores);
  return at::matmul(at::matmul(rows, scores), columns.t());
}

// Returns sigma [N,1,H,W], 0 on void pixels.
at::Tensor confidence_of_pixels(const at::Tensor& scores, const at::Tensor& is_label, const LossLabels& labels,
                                const LossOptions& options) {
  const at::Tensor correlation = 1 + interpolated(scores, labels, options);
  const at::Tensor is_void = is_label.any(1, /*keepdim=*/true).logical_not();
  const at::Tensor of_label =
      // Void pixels get 1, where pow() has a slope.
      (correlation * is_label).sum(1, /*keepdim=*/true).masked_fill(is_void, 1);
  const at::Tensor sigma =
      (of_label / correlation.amax(1, /*keepdim=*/true)).pow(options.gamma).masked_fill(is_void, 0);
  return options.is_detached ? sigma.detach() : sigma;
}

struct Term {
  at::Tensor numerator, denominator;
  at::Tensor value() const { return denominator.item<double>() > 0 ? numerator / denominator : numerator * 0; }
};

}  // namespace

double report_code_beta(double beta, int64_t it, int64_t iterations) {
  for (int64_t j = 1; j < it && beta > 0; ++j)
    beta *= std::pow(1 - static_cast<double>(j) / static_cast<double>(iterations), 0.9);
  return beta;
}

at::Tensor report_code_loss(const at::Tensor& scores, const at::Tensor& confidence, const LossLabels& labels,
                            const LossOptions& options, LossSums* sums) {
  const at::Tensor log_p = at::log_softmax(options.temperature * interpolated(scores, labels, options), 1);
  const at::Tensor is_label = class_mask(labels.label, scores.size(1));
  const at::Tensor agrees =
      labels.other.defined() ? labels.label.eq(labels.other).unsqueeze(1).logical_and(is_label) : is_label;
  const at::Tensor is_pair = agrees.logical_not().to(log_p.scalar_type());
  const Term reliable{-(log_p * agrees).sum(), agrees.sum()};
  Term second{at::zeros({}, log_p.options()), at::zeros({}, log_p.options())};
  if (options.kind == Kind::nal) {
    const at::Tensor sigma = confidence_of_pixels(confidence, is_label, labels, options);
    second = {-(is_pair * sigma * log_p).sum(), (is_pair * sigma).sum()};
  } else if (options.kind != Kind::plain) {
    const double beta = options.kind == Kind::entropy ? 0 : options.beta;
    const at::Tensor target = beta * is_label + (1 - beta) * log_p.exp();
    second = {-(is_pair * target * log_p).sum(), is_pair.sum()};
  }
  if (sums != nullptr) {
    *sums = count_pixels(labels);
    sums->reliable_loss = reliable.numerator.item<double>();
    sums->unreliable_loss = second.numerator.item<double>();
    sums->confidence = second.denominator.item<double>();
  }
  return reliable.value() + options.lambda * second.value();
}

}  // namespace boxseg
