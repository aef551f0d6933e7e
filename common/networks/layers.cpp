#include "common/networks/layers.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/interrupt.h"
#include "common/base/random.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

// Draws from N(0, std). Each piece of the flat tensor has a stream of its own, so that threads do not matter.
at::Tensor normal_tensor(uint64_t seed, const std::string& name, at::IntArrayRef shape, double std) {
  constexpr int64_t kPiece = 1 << 14;
  at::Tensor values = at::empty(shape, at::kFloat);
  float* out = values.mutable_data_ptr<float>();
  const int64_t n = values.numel();
  const uint64_t key = stable_hash64(name);
  parallel_for((n + kPiece - 1) / kPiece, 1, at::get_num_threads(), [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      Random random(seed, "init", key, static_cast<uint64_t>(piece));
      const int64_t last = std::min(n, (piece + 1) * kPiece);
      for (int64_t i = piece * kPiece; i < last; ++i) out[i] = static_cast<float>(std * random.normal());
    }
  });
  return values;
}

}  // namespace

SamePadding same_padding(int64_t n, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t out = (n + stride - 1) / stride;
  const int64_t total = std::max<int64_t>((out - 1) * stride + (kernel - 1) * dilation + 1 - n, 0);
  return {total / 2, total - total / 2};
}

at::Tensor Conv::operator()(const at::Tensor& x) const {
  return convolution(x, weight, bias, geometry, Before::nothing);
}
at::Tensor Conv::of_relu(const at::Tensor& x) const { return convolution(x, weight, bias, geometry, Before::relu); }

at::Tensor Conv::same(const at::Tensor& x) const {
  const ConvolutionGeometry& g = geometry;
  const SamePadding rows = same_padding(x.size(2), kernel(), g.stride, g.dilation);
  const SamePadding columns = same_padding(x.size(3), kernel(), g.stride, g.dilation);
  const bool is_symmetric = rows.before == rows.after && columns.before == columns.after;
  const at::Tensor padded =
      is_symmetric ? x : at::constant_pad_nd(x, {columns.before, columns.after, rows.before, rows.after});
  const int64_t pad_y = is_symmetric ? rows.before : 0, pad_x = is_symmetric ? columns.before : 0;
  return at::conv2d(padded, weight, bias, {g.stride, g.stride}, {pad_y, pad_x}, {g.dilation, g.dilation}, g.groups);
}

at::Tensor BatchNorm::operator()(const at::Tensor& x, bool with_batch_statistics) const {
  if (with_batch_statistics) num_batches_tracked.add_(1);
  return at::batch_norm(x, weight, bias, running_mean, running_var, with_batch_statistics, momentum, eps, true);
}

at::Tensor interruptible(at::Tensor x, const Pass& pass) {
  if (!pass.is_training) return x;
  throw_if_interrupted();
  if (x.requires_grad()) x.register_hook([](const at::Tensor&) { throw_if_interrupted(); });
  return x;
}

Conv LayerMaker::conv(const std::string& name, int64_t in, int64_t out, int64_t kernel, const ConvOptions& options) {
  Conv conv;
  conv.geometry = {options.stride, options.padding, options.dilation, options.groups};
  const std::vector<int64_t> shape = {out, in / options.groups, kernel, kernel};
  const double fan_in = static_cast<double>(shape[1] * kernel * kernel);
  const double std = options.std > 0 ? options.std : std::sqrt(2 / fan_in);
  const std::string weight = name + ".weight", bias = name + ".bias";
  conv.weight = parameter(weight, filling_.seed ? normal_tensor(*filling_.seed, weight, shape, std) : at::zeros(shape),
                          options.is_scratch ? ParameterGroup::scratch_weight : ParameterGroup::backbone_weight, false);
  if (options.has_bias)
    conv.bias = parameter(bias, at::zeros({out}),
                          options.is_scratch ? ParameterGroup::scratch_bias : ParameterGroup::backbone_bias, false);
  return conv;
}

BatchNorm LayerMaker::batch_norm(const std::string& name, int64_t channels, double eps, double momentum) {
  BatchNorm norm;
  norm.eps = eps;
  norm.momentum = momentum;
  norm.weight = parameter(name + ".weight", at::ones({channels}), ParameterGroup::backbone_weight, true);
  norm.bias = parameter(name + ".bias", at::zeros({channels}), ParameterGroup::backbone_bias, true);
  norm.running_mean = buffer(name + ".running_mean", at::zeros({channels}));
  norm.running_var = buffer(name + ".running_var", at::ones({channels}));
  norm.num_batches_tracked = buffer(name + ".num_batches_tracked", at::zeros({}, at::kLong));
  return norm;
}

at::Tensor LayerMaker::parameter(const std::string& name, at::Tensor value, ParameterGroup group, bool is_batch_norm) {
  value = value.to(filling_.device).set_requires_grad(true);
  parameters_.push_back({name, value, group, is_batch_norm});
  order_.push_back(name);
  return value;
}

at::Tensor LayerMaker::buffer(const std::string& name, at::Tensor value) {
  value = value.to(filling_.device);
  buffers_.emplace_back(name, value);
  order_.push_back(name);
  return value;
}

}  // namespace boxseg
