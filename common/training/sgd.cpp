#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/torch_pool.h"
#include "common/training/trainer.h"

namespace boxseg {
namespace {

struct GroupRule {
  double rate;
  bool decays;
};

GroupRule rule_of(ParameterGroup group, double bias_rate) {
  switch (group) {
    case ParameterGroup::backbone_weight:
      return {1, true};
    case ParameterGroup::backbone_bias:
      return {bias_rate, false};
    case ParameterGroup::scratch_weight:
      return {10, true};
    case ParameterGroup::scratch_bias:
      return {10 * bias_rate, false};
  }
  fail("unknown parameter group");
}

constexpr int64_t kBlock = 1 << 16;  // elements that a thread takes at a time

struct Update {
  double decay, momentum, rate;
};

// Does one step of SGD. The gradient may be overwritten; an undefined buffer begins as the gradient.
void update(const Update& by, const at::Tensor& value, const at::Tensor& gradient, at::Tensor& buffer) {
  if (by.decay != 0) gradient.add_(value, by.decay);
  if (by.momentum == 0) {
    value.add_(gradient, -by.rate);
    return;
  }
  if (!buffer.defined())
    buffer = gradient.clone();
  else
    buffer.mul_(by.momentum).add_(gradient);
  value.add_(buffer, -by.rate);
}

// Does the same as update() for the elements [begin, end) in one pass over memory, with LibTorch's bits: x.add_(y, a)
// fuses, x.mul_(a) does not.
void update_range(const Update& by, const float* gradient, int64_t begin, int64_t end, float* value, float* buffer) {
  const auto decay = static_cast<float>(by.decay), momentum = static_cast<float>(by.momentum),
             rate = static_cast<float>(by.rate);
  for (int64_t i = begin; i < end; ++i) {
    const float slope = std::fma(decay, value[i], gradient[i]);
    buffer[i] = momentum * buffer[i] + slope;
    value[i] = std::fma(-rate, buffer[i], value[i]);
  }
}

void update_by_blocks(const Update& by, const at::Tensor& value, const at::Tensor& gradient, at::Tensor& buffer) {
  const auto is_plain = [](const at::Tensor& t) {
    return !takes_device_path(t) && t.is_contiguous() && t.scalar_type() == at::kFloat;
  };
  if (!buffer.defined() || by.momentum == 0 || !is_plain(value) || !is_plain(gradient) || !is_plain(buffer))
    return update(by, value, gradient, buffer);
  const auto* slopes = gradient.const_data_ptr<float>();
  auto *values = value.mutable_data_ptr<float>(), *buffers = buffer.mutable_data_ptr<float>();
  for_ranges_in_torch_pool(value.numel(), kBlock,
                           [&](int64_t begin, int64_t end) { update_range(by, slopes, begin, end, values, buffers); });
}

}  // namespace

double Schedule::factor(int64_t it) const {
  if (kind == "poly")
    return std::pow(1.0 - static_cast<double>((it - 1) / every * every) / static_cast<double>(iterations), 0.9);
  if (kind != "step") fail_usage("--schedule {}: not one of step, poly", kind);
  double factor = 1;
  for (const int64_t milestone : milestones)
    if (it > milestone) factor *= 0.1;
  return factor;
}

Sgd::Sgd(std::vector<Parameter>& parameters, SgdOptions options)
    : parameters_(parameters), options_(options), buffers_(parameters.size()) {}

double Sgd::rate(ParameterGroup group, double schedule_factor) const {
  return rule_of(group, options_.bias_rate).rate * options_.learning_rate * schedule_factor;
}

void Sgd::step(double schedule_factor) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = parameters_[i];
    const at::Tensor gradient = p.value.grad();
    if (!gradient.defined()) continue;
    const double decay = rule_of(p.group, options_.bias_rate).decays ? options_.weight_decay : 0;
    update_by_blocks({decay, options_.momentum, rate(p.group, schedule_factor)}, p.value, gradient, buffers_[i]);
  }
  clear_gradients();
}

void Sgd::clear_gradients() {
  for (Parameter& p : parameters_) p.value.mutable_grad().reset();
}

NamedTensors Sgd::momentum() const {
  NamedTensors result;
  for (size_t i = 0; i < parameters_.size(); ++i)
    if (buffers_[i].defined()) result.emplace_back(parameters_[i].name, buffers_[i]);
  return result;
}

void Sgd::set_momentum(const NamedTensors& buffers) {
  std::unordered_map<std::string, at::Tensor> given(buffers.begin(), buffers.end());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    buffers_[i].reset();
    const auto found = given.find(parameters_[i].name);
    if (found == given.end()) continue;
    if (found->second.sizes() != parameters_[i].value.sizes())
      fail_input("momentum of {}: it is {} instead of {}", parameters_[i].name, shape_text(found->second),
                 shape_text(parameters_[i].value));
    buffers_[i] = found->second.to(parameters_[i].value.options()).clone();
    given.erase(found);
  }
  if (!given.empty()) fail_input("momentum of {}: no such parameter", given.begin()->first);
}

}  // namespace boxseg
