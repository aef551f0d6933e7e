#include <algorithm>
#include <optional>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/nn/network.h"

namespace boxseg {
namespace {

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

// A weights file brought to our names.
struct KnownFile {
  std::string backbone, what, normalisation;
  NamedTensors tensors;
  std::vector<std::string> leftovers;  // names that we have no use for and did not expect
};

bool has(const NamedTensors& tensors, const std::string& name) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
}

// Layers that a weights file may lack: they are what a new task trains.
bool is_head(const std::string& name) {
  for (const char* layer : {"backbone.fc6.", "backbone.fc7.", "backbone.project.", "classifier."})
    if (starts_with(name, layer)) return true;
  return false;
}

// Every 4th output, and of the 7x7 positions rows and columns 0, 3, 6: DeepLab's way from 4096 units to 1024.
at::Tensor subsampled_fc6(const at::Tensor& weight) {  // [4096, 512*7*7]
  const at::Tensor positions = at::arange(0, 7, 3, at::kLong);
  return weight.view({-1, 512, 7, 7}).slice(0, 0, {}, 4).index_select(2, positions).index_select(3, positions).contiguous();
}

KnownFile from_torchvision_vgg16(const NamedTensors& tensors) {
  static const std::unordered_map<std::string, std::string> kLayers = {
      {"features.0", "conv1_1"},  {"features.2", "conv1_2"},  {"features.5", "conv2_1"},  {"features.7", "conv2_2"},
      {"features.10", "conv3_1"}, {"features.12", "conv3_2"}, {"features.14", "conv3_3"}, {"features.17", "conv4_1"},
      {"features.19", "conv4_2"}, {"features.21", "conv4_3"}, {"features.24", "conv5_1"}, {"features.26", "conv5_2"},
      {"features.28", "conv5_3"}};
  KnownFile file{"vgg16", "torchvision's VGG-16", "torchvision_rgb", {}, {}};
  for (const auto& [name, value] : tensors) {
    const size_t dot = name.rfind('.');
    const std::string layer = name.substr(0, dot), kind = dot == std::string::npos ? "" : name.substr(dot);
    const bool is_weight = kind == ".weight";
    if (const auto known = kLayers.find(layer); known != kLayers.end()) {
      file.tensors.emplace_back("backbone." + known->second + kind, value);
    } else if (layer == "classifier.0" && value.size(0) == 4096) {
      file.tensors.emplace_back("backbone.fc6" + kind, is_weight ? subsampled_fc6(value) : value.slice(0, 0, {}, 4).contiguous());
    } else if (layer == "classifier.3" && value.size(0) == 4096) {
      const at::Tensor rows = value.slice(0, 0, {}, 4);
      file.tensors.emplace_back("backbone.fc7" + kind, is_weight ? rows.slice(1, 0, {}, 4).reshape({1024, 1024, 1, 1}) : rows.contiguous());
    } else if (layer != "classifier.6") {
      file.leftovers.push_back(name);
    }
  }
  return file;
}

KnownFile recognise(const Checkpoint& checkpoint) {
  const NamedTensors& tensors = checkpoint.tensors;
  if (has(tensors, "features.0.weight") && has(tensors, "features.28.weight")) return from_torchvision_vgg16(tensors);
  if (has(tensors, "_conv_stem.weight")) {
    KnownFile file{"efficientnet_lite0", "EfficientNet-Lite0", "lite0_rgb", {}, {}};
    for (const auto& [name, value] : tensors)
      if (!starts_with(name, "_conv_head.") && !starts_with(name, "_bn1.") && !starts_with(name, "_fc."))
        file.tensors.emplace_back("backbone." + name, value);
    return file;
  }
  if (has(tensors, "conv1_1.weight")) {
    KnownFile file{"vgg16", "the Caffe VGG-16", "caffe_bgr", {}, {}};
    for (const auto& [name, value] : tensors)
      if (!starts_with(name, "fc8")) file.tensors.emplace_back("backbone." + name, value);
    return file;
  }
  KnownFile file{"", "a checkpoint", "", tensors, {}};
  if (has(tensors, "backbone.conv1_1.weight")) file.backbone = "vgg16", file.normalisation = "caffe_bgr";
  else if (has(tensors, "backbone._conv_stem.weight")) file.backbone = "efficientnet_lite0", file.normalisation = "lite0_rgb";
  else if (has(tensors, "backbone.conv1.weight")) file.backbone = "tiny", file.normalisation = "lite0_rgb";
  if (!file.backbone.empty()) file.what += " of " + file.backbone;
  if (const auto stored = checkpoint.record.find("normalisation"); stored != checkpoint.record.end())
    file.normalisation = stored->second;
  return file;
}

std::string listed(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const size_t shown = std::min<size_t>(names.size(), 6);
  std::string text = fmt::format("; {}: {}", what, join({names.begin(), names.begin() + static_cast<long>(shown)}, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

std::vector<std::string> load_initial_weights(Network& network, const std::filesystem::path& path) {
  const KnownFile file = recognise(read_checkpoint(path));
  std::unordered_map<std::string, at::Tensor> given(file.tensors.begin(), file.tensors.end());
  given.erase("classifier.weight");  // of other classes, or of the other stage: it always starts fresh
  std::vector<std::string> missing, unexpected = file.leftovers, lacking;
  NamedTensors own = network.state_dict();
  std::unordered_map<std::string, at::Tensor> fitting;
  for (const auto& [name, value] : own) {
    const auto found = given.find(name);
    const bool fits = found != given.end() && found->second.sizes() == value.sizes();
    if (fits) fitting.emplace(name, found->second);
    else if (is_head(name)) lacking.push_back(name);
    else if (found == given.end()) missing.push_back(name);
    else missing.push_back(fmt::format("{} {} (there it is {})", name, shape_text(value), shape_text(found->second)));
    if (found != given.end()) given.erase(found);
  }
  for (const auto& [name, value] : file.tensors)
    if (given.count(name) > 0 && !is_head(name)) unexpected.push_back(name);
  if (file.backbone != network.spec().backbone || !missing.empty() || !unexpected.empty())
    fail_input("{}: holds {}, which does not fit --backbone {}{}{}; give --init a file of that network", path.string(),
               file.backbone.empty() ? "weights of an unknown network" : file.what, network.spec().backbone,
               listed("missing", missing), listed("unexpected", unexpected));
  {
    at::NoGradGuard no_grad;
    for (auto& [name, value] : own)
      if (const auto found = fitting.find(name); found != fitting.end()) value.copy_(found->second);
  }
  for (Parameter& p : network.parameters()) {
    if (std::find(lacking.begin(), lacking.end(), p.name) == lacking.end()) continue;
    if (p.group == ParameterGroup::backbone_weight) p.group = ParameterGroup::scratch_weight;
    if (p.group == ParameterGroup::backbone_bias) p.group = ParameterGroup::scratch_bias;
  }
  network.set_normalisation(parse_normalisation(file.normalisation));
  return lacking;
}

}  // namespace boxseg
