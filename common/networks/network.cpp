#include "common/networks/network.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/networks/backbones.h"
#include "common/networks/layers.h"
#include "common/ops/precision.h"

namespace boxseg {
namespace {

const Backbone& find_backbone(const std::string& name) {
  std::vector<std::string> names;
  for (const Backbone& b : backbones()) {
    if (name == b.name) return b;
    names.emplace_back(b.name);
  }
  fail_usage("--backbone {}: not one of {}", name, join(names, ", "));
}

NetworkSpec resolved(NetworkSpec spec) {
  spec.check();
  if (spec.output_stride == 0) spec.output_stride = usual_output_stride(spec.backbone);
  return spec;
}

// Lists the first names and counts the rest: "a, b, c and 12 more".
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 6;
  if (names.size() <= kShown) return join(names, ", ");
  return join({names.begin(), names.begin() + kShown}, ", ") + fmt::format(" and {} more", names.size() - kShown);
}

}  // namespace

const std::vector<Backbone>& backbones() {
  static const std::vector<Backbone> all = {
      {"vgg16", {8}, {"plain", "largefov"}, "backbone.conv1_1.weight", make_vgg16},
      {"resnet101", {8}, {"aspp"}, "backbone.layer1.conv1.conv.weight", make_resnet101},
      {"efficientnet_lite0",
       {16, 8, 32},
       {"plain", "largefov", "aspp"},
       "backbone._conv_stem.weight",
       make_efficientnet_lite0},
      {"tiny", {4}, {"plain", "largefov"}, "backbone.conv1.weight", make_tiny}};
  return all;
}

const Backbone* backbone_with(const NamedTensors& tensors) {
  for (const Backbone& b : backbones())
    for (const auto& [name, value] : tensors)
      if (name == b.first_tensor) return &b;
  return nullptr;
}

std::string shape_text(const at::Tensor& tensor) { return fmt::format("[{}]", fmt::join(tensor.sizes(), ",")); }

void require_finite(const at::Tensor& weights, const std::string& name, const std::string& source) {
  if (!weights.is_floating_point() || weights.isfinite().all().item<bool>()) return;
  const auto count = weights.numel() - weights.isfinite().sum().item<int64_t>();
  fail_input(
      "{}: {} of the {} numbers of {} are NaN or infinite: the file is damaged, or of a training that diverged; "
      "take another",
      source, count, weights.numel(), name);
}

int64_t usual_output_stride(const std::string& backbone) { return find_backbone(backbone).output_strides.front(); }

void NetworkSpec::check() const {
  const Backbone& b = find_backbone(backbone);
  const auto& strides = b.output_strides;
  if (output_stride != 0 && std::find(strides.begin(), strides.end(), output_stride) == strides.end())
    fail_usage("--output-stride {}: {} has {}", output_stride, backbone, fmt::join(strides, ", "));
  if (std::find(b.heads.begin(), b.heads.end(), head) == b.heads.end())
    fail_usage("--head {}: {} has {}", head, backbone, join(b.heads, ", "));
  if (classes < 2 || classes > 255) fail_usage("{} classes: expected 2 to 255, background included", classes);
  if (!(classifier_std > 0)) fail_usage("--classifier-std {}: expected more than 0", classifier_std);
}

std::unique_ptr<Network> make_network(const NetworkSpec& spec, uint64_t seed) {
  return find_backbone(spec.backbone).make(resolved(spec), {.seed = seed});
}

std::unique_ptr<Network> make_empty_network(const NetworkSpec& spec, const at::Device& device) {
  return find_backbone(spec.backbone).make(resolved(spec), {.device = device});
}

void Network::add_classifier(LayerMaker& maker, int64_t channels) {
  maker.conv("classifier", channels, spec_.classes, 1,
             {.has_bias = false, .is_scratch = true, .std = spec_.classifier_std});
}

const at::Tensor& Network::classifier_weight() const { return parameters_.back().value; }

int64_t Network::feature_channels() const { return classifier_weight().size(1); }

at::Tensor Network::features(const at::Tensor& input, const Pass& pass) {
  ensure(input.dim() == 4 && input.size(1) == 3, "features: expected an input [N,3,H,W], got {}", shape_text(input));
  set_frozen(pass);
  const FastConvolutions fast(input.device());
  const at::Tensor x = compute_features(input, pass);
  return x.scalar_type() == at::kBFloat16 ? x.to(at::kFloat) : x;
}

void Network::set_frozen(const Pass& pass) {
  for (Parameter& p : parameters_) {
    const bool is_backbone = p.group == ParameterGroup::backbone_weight || p.group == ParameterGroup::backbone_bias;
    const bool is_frozen = (pass.freeze_backbone && is_backbone) || (pass.freeze_bn && p.is_batch_norm);
    if (p.value.requires_grad() == is_frozen) p.value.set_requires_grad(!is_frozen);
  }
}

NamedTensors Network::state_dict() const {
  std::unordered_map<std::string, at::Tensor> by_name(buffers_.begin(), buffers_.end());
  for (const Parameter& p : parameters_) by_name.emplace(p.name, p.value.detach());
  NamedTensors result;
  for (const std::string& name : order_) result.emplace_back(name, by_name.at(name));
  return result;
}

void Network::to(const at::Device& device) {
  at::NoGradGuard no_grad;
  // The layers share these tensors, so their data is exchanged and the tensors stay.
  for (Parameter& p : parameters_) p.value.set_data(p.value.to(device));
  for (auto& [name, value] : buffers_) value.set_data(value.to(device));
}

at::Device Network::device() const { return classifier_weight().device(); }

void Network::load_state_dict(const NamedTensors& tensors, const std::string& source) {
  std::unordered_map<std::string, at::Tensor> given(tensors.begin(), tensors.end());
  NamedTensors own = state_dict();
  std::vector<std::string> missing, unexpected, other_shape;
  for (const auto& [name, value] : own) {
    const auto found = given.find(name);
    if (found == given.end())
      missing.push_back(name);
    else if (found->second.sizes() != value.sizes())
      other_shape.push_back(fmt::format("{} is {} instead of {}", name, shape_text(found->second), shape_text(value)));
  }
  std::unordered_map<std::string, at::Tensor> known(own.begin(), own.end());
  for (const auto& [name, value] : tensors)
    if (known.count(name) == 0) unexpected.push_back(name);
  if (!missing.empty() || !unexpected.empty() || !other_shape.empty()) {
    std::vector<std::string> complaints;
    if (!missing.empty()) complaints.push_back("missing: " + some_of(missing));
    if (!unexpected.empty()) complaints.push_back("unexpected: " + some_of(unexpected));
    if (!other_shape.empty()) complaints.push_back("of another shape: " + some_of(other_shape));
    fail_input("{}: not the weights of {} with head {} and {} classes; {}", source, spec_.backbone, spec_.head,
               spec_.classes, join(complaints, "; "));
  }
  at::NoGradGuard no_grad;
  for (auto& [name, value] : own) {
    require_finite(given.at(name), name, source);
    value.copy_(given.at(name));
  }
}

}  // namespace boxseg
