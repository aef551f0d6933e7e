#include "common/networks/weight_files.h"

#include <algorithm>
#include <unordered_map>

#include "common/base/text.h"
#include "common/networks/backbones.h"

namespace boxseg {
namespace {

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

bool has(const NamedTensors& tensors, const std::string& name) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
}

bool has_shape(const at::Tensor& tensor, at::IntArrayRef shape) { return tensor.sizes() == shape; }

// Takes every 4th output, and of the 7x7 positions rows and columns 0, 3, 6: DeepLab's way from 4096 units to 1024.
at::Tensor subsampled_fc6(const at::Tensor& weight) {  // [4096, 512*7*7]
  const at::Tensor positions = at::arange(0, 7, 3, at::kLong);
  return weight.view({-1, 512, 7, 7}).slice(0, 0, {}, 4).index_select(2, positions).index_select(3, positions);
}

// Turns fc6 and fc7 of ImageNet's VGG-16 into DeepLab's convolutions; whatever has another shape stays as it is.
at::Tensor as_convolution(const std::string& name, const at::Tensor& value) {
  if (name == "fc6.weight" && has_shape(value, {4096, 512 * 7 * 7})) return subsampled_fc6(value);
  if (name == "fc7.weight" && has_shape(value, {4096, 4096}))
    return value.slice(0, 0, {}, 4).slice(1, 0, {}, 4).reshape({1024, 1024, 1, 1});
  if ((name == "fc6.bias" || name == "fc7.bias") && has_shape(value, {4096})) return value.slice(0, 0, {}, 4);
  return value;
}

WeightFile from_torchvision_vgg16(const NamedTensors& tensors) {
  static const std::unordered_map<std::string, std::string> kLayers = {
      {"features.0", "conv1_1"},  {"features.2", "conv1_2"},  {"features.5", "conv2_1"},  {"features.7", "conv2_2"},
      {"features.10", "conv3_1"}, {"features.12", "conv3_2"}, {"features.14", "conv3_3"}, {"features.17", "conv4_1"},
      {"features.19", "conv4_2"}, {"features.21", "conv4_3"}, {"features.24", "conv5_1"}, {"features.26", "conv5_2"},
      {"features.28", "conv5_3"}};
  WeightFile file{"vgg16", "torchvision's VGG-16", "torchvision_rgb", {}, {}};
  for (const auto& [name, value] : tensors) {
    const size_t dot = name.rfind('.');
    const std::string layer = name.substr(0, dot), kind = dot == std::string::npos ? "" : name.substr(dot);
    if (const auto known = kLayers.find(layer); known != kLayers.end()) {
      file.tensors.emplace_back("backbone." + known->second + kind, value);
    } else if (layer == "classifier.0" || layer == "classifier.3") {
      const std::string ours = (layer == "classifier.0" ? "fc6" : "fc7") + kind;
      file.tensors.emplace_back("backbone." + ours, as_convolution(ours, value));
    } else if (layer != "classifier.6") {
      file.leftovers.push_back(name);
    }
  }
  return file;
}

// Translates "layer1.0.conv1.weight" -> "backbone.layer2.block1.reduce.conv.weight"; "" for what has no place.
std::string name_of_torchvision_resnet(const std::string& name) {
  if (starts_with(name, "conv1.")) return "backbone.layer1.conv1.conv." + name.substr(6);
  if (starts_with(name, "bn1.")) return "backbone.layer1.conv1.bn." + name.substr(4);
  const auto words = split(name, '.');
  if (words.size() < 4 || !starts_with(name, "layer")) return "";
  static const std::unordered_map<std::string, std::string> kParts = {
      {"conv1", "reduce.conv"},          {"bn1", "reduce.bn"},
      {"conv2", "conv3x3.conv"},         {"bn2", "conv3x3.bn"},
      {"conv3", "increase.conv"},        {"bn3", "increase.bn"},
      {"downsample.0", "shortcut.conv"}, {"downsample.1", "shortcut.bn"}};
  const auto part = kParts.find(words.size() == 5 ? words[2] + "." + words[3] : words[2]);
  if (part == kParts.end()) return "";
  return "backbone.layer" + std::to_string(std::stoi(words[0].substr(5)) + 1) + ".block" +
         std::to_string(std::stoi(words[1]) + 1) + "." + part->second + "." + words.back();
}

WeightFile from_torchvision_resnet(const NamedTensors& tensors) {
  WeightFile file{"resnet101", "torchvision's ResNet", "torchvision_rgb", {}, {}};
  for (const auto& [name, value] : tensors) {
    if (starts_with(name, "fc.")) continue;
    const std::string ours = name_of_torchvision_resnet(name);
    if (ours.empty())
      file.leftovers.push_back(name);
    else
      file.tensors.emplace_back(ours, value);
  }
  return file;
}

// Reads kazuto1011's DeepLab-v2: "layer1.conv1.conv.weight" (behind "base.", which reading takes away), and an ASPP for
// its own classes, which stays out.
WeightFile from_kazuto(const NamedTensors& tensors) {
  WeightFile file{"resnet101", "kazuto1011's DeepLab-v2", "caffe_bgr", {}, {}};
  for (const auto& [name, value] : tensors) {
    if (starts_with(name, "aspp.")) continue;
    if (starts_with(name, "layer"))
      file.tensors.emplace_back("backbone." + name, value);
    else
      file.leftovers.push_back(name);
  }
  return file;
}

}  // namespace

bool is_head_layer(const std::string& name) {
  for (const char* layer :
       {"backbone.fc6.", "backbone.fc7.", "backbone.project.", "c1.", "c2.", "c3.", "c4.", "classifier."})
    if (starts_with(name, layer)) return true;
  return false;
}

WeightFile recognise_weights(const Checkpoint& checkpoint) {
  const NamedTensors& tensors = checkpoint.tensors;
  if (has(tensors, "features.0.weight") && has(tensors, "features.28.weight")) return from_torchvision_vgg16(tensors);
  if (has(tensors, "layer1.0.conv1.weight") && has(tensors, "fc.weight")) return from_torchvision_resnet(tensors);
  if (has(tensors, "layer1.conv1.conv.weight")) return from_kazuto(tensors);
  if (has(tensors, "_conv_stem.weight")) {
    WeightFile file{"efficientnet_lite0", "EfficientNet-Lite0", "lite0_rgb", {}, {}};
    for (const auto& [name, value] : tensors)
      if (!starts_with(name, "_conv_head.") && !starts_with(name, "_bn1.") && !starts_with(name, "_fc."))
        file.tensors.emplace_back("backbone." + name, value);
    return file;
  }
  if (has(tensors, "conv1_1.weight")) {
    WeightFile file{"vgg16", "the Caffe VGG-16", "caffe_bgr", {}, {}};
    for (const auto& [name, value] : tensors) {
      if (starts_with(name, "fc8")) continue;  // these are of other classes
      file.tensors.emplace_back("backbone." + name, as_convolution(name, value));
    }
    return file;
  }
  WeightFile file{"", "a checkpoint", "", tensors, {}};
  if (const Backbone* told = backbone_with(tensors); told != nullptr) {
    file.backbone = told->name;
    file.what += " of " + file.backbone;
  }
  if (const auto stored = checkpoint.record.find("normalisation"); stored != checkpoint.record.end())
    file.normalisation = stored->second;
  return file;
}

}  // namespace boxseg
