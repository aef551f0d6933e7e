#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/networks/backbones.h"
#include "common/networks/weight_files.h"
#include "tests/nn/numbered_network.h"
#include "tests/support/failure.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Makes torchvision's VGG-16 with values that tell where they come from; the two large matrices have numbered rows or
// columns, without memory of their own.
NamedTensors torchvision_vgg16(bool numbers_rows) {
  const std::vector<std::pair<int, std::vector<int64_t>>> convolutions = {
      {0, {64, 3}},     {2, {64, 64}},    {5, {128, 64}},   {7, {128, 128}},  {10, {256, 128}},
      {12, {256, 256}}, {14, {256, 256}}, {17, {512, 256}}, {19, {512, 512}}, {21, {512, 512}},
      {24, {512, 512}}, {26, {512, 512}}, {28, {512, 512}}};
  NamedTensors tensors;
  for (const auto& [index, channels] : convolutions) {
    const std::string name = "features." + std::to_string(index);
    tensors.emplace_back(name + ".weight", at::full({1, 1, 1, 1}, index).expand({channels[0], channels[1], 3, 3}));
    tensors.emplace_back(name + ".bias", at::full({channels[0]}, -index - 1));
  }
  const auto matrix = [&](int64_t rows, int64_t columns) {
    return numbers_rows ? at::arange(rows, at::kFloat).view({-1, 1}).expand({rows, columns})
                        : at::arange(columns, at::kFloat).view({1, -1}).expand({rows, columns});
  };
  tensors.emplace_back("classifier.0.weight", matrix(4096, 25088));
  tensors.emplace_back("classifier.0.bias", at::arange(4096, at::kFloat));
  tensors.emplace_back("classifier.3.weight", matrix(4096, 4096));
  tensors.emplace_back("classifier.3.bias", at::arange(4096, at::kFloat) + 0.5);
  tensors.emplace_back("classifier.6.weight", at::zeros({10, 4096}));
  tensors.emplace_back("classifier.6.bias", at::zeros({10}));
  return tensors;
}

at::Tensor named(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [key, value] : tensors)
    if (key == name) return value;
  throw std::runtime_error("no tensor " + name);
}

}  // namespace

TEST_CASE("torchvision's VGG-16 is brought to the authors' names and sizes", "[weights]") {
  const WeightFile rows = recognise_weights({torchvision_vgg16(true), {}}),
                   columns = recognise_weights({torchvision_vgg16(false), {}});
  CHECK(rows.backbone == "vgg16");
  CHECK(rows.normalisation == "torchvision_rgb");
  CHECK(rows.leftovers.empty());
  CHECK(rows.tensors.size() == 30);
  CHECK(named(rows.tensors, "backbone.conv1_2.weight")[0][0][0][0].item<float>() == 2);
  CHECK(named(rows.tensors, "backbone.conv4_1.bias")[3].item<float>() == -18);
  CHECK(named(rows.tensors, "backbone.conv5_3.weight").sizes() == at::IntArrayRef({512, 512, 3, 3}));
  const at::Tensor fc6_rows = named(rows.tensors, "backbone.fc6.weight"),
                   fc6_columns = named(columns.tensors, "backbone.fc6.weight");
  REQUIRE(fc6_rows.sizes() == at::IntArrayRef({1024, 512, 3, 3}));
  CHECK(fc6_rows[5][0][0][0].item<float>() == 20);                     // every 4th output
  CHECK(fc6_columns[5][7][1][2].item<float>() == 7 * 49 + 3 * 7 + 6);  // rows and columns 0, 3, 6
  const at::Tensor fc7_rows = named(rows.tensors, "backbone.fc7.weight"),
                   fc7_columns = named(columns.tensors, "backbone.fc7.weight");
  REQUIRE(fc7_rows.sizes() == at::IntArrayRef({1024, 1024, 1, 1}));
  CHECK(fc7_rows[9][3][0][0].item<float>() == 36);
  CHECK(fc7_columns[9][3][0][0].item<float>() == 12);
  CHECK(named(rows.tensors, "backbone.fc6.bias")[1023].item<float>() == 4092);
  CHECK(named(rows.tensors, "backbone.fc7.bias")[1].item<float>() == 4.5);
}

TEST_CASE("VGG weights without fc6 and fc7 leave those fresh and fast", "[weights]") {
  TemporaryDirectory dir;
  NamedTensors convolutions;
  for (const auto& [name, value] : torchvision_vgg16(true))
    if (name.rfind("features.", 0) == 0) convolutions.emplace_back(name, value);
  write_checkpoint(dir / "vgg16.pth", {convolutions, {}});
  const auto network = numbered_vgg16("plain", 1000), fresh = numbered_vgg16("plain", 1000);
  const auto lacking = load_initial_weights(*network, dir / "vgg16.pth");
  CHECK(lacking == std::vector<std::string>{"backbone.fc6.weight", "backbone.fc6.bias", "backbone.fc7.weight",
                                            "backbone.fc7.bias", "classifier.weight"});
  CHECK(network->normalisation().name == "torchvision_rgb");
  for (const Parameter& p : network->parameters()) {
    const bool is_fresh = p.name.rfind("backbone.conv", 0) != 0, is_bias = p.name.ends_with("bias");
    INFO(p.name);
    CHECK(p.group == (is_fresh  ? is_bias ? ParameterGroup::scratch_bias : ParameterGroup::scratch_weight
                      : is_bias ? ParameterGroup::backbone_bias
                                : ParameterGroup::backbone_weight));
    CHECK(at::equal(p.value, tensor_named(*fresh, p.name)) == is_fresh);
  }
}

TEST_CASE("the Caffe VGG-16 has the authors' names without a prefix", "[weights]") {
  TemporaryDirectory dir;
  const auto source = numbered_vgg16("largefov", 1);
  NamedTensors tensors = without_prefix(*source);
  tensors.emplace_back("fc8.weight", at::zeros({20, 1024, 1, 1}));
  write_checkpoint(dir / "vgg_caffe.pth", {tensors, {}});
  const auto network = numbered_vgg16("largefov", 100);
  CHECK(load_initial_weights(*network, dir / "vgg_caffe.pth") == std::vector<std::string>{"classifier.weight"});
  CHECK(network->normalisation().name == "caffe_bgr");
  CHECK(at::equal(tensor_named(*network, "backbone.fc6.weight"), tensor_named(*source, "backbone.fc6.weight")));
  CHECK_FALSE(at::equal(network->classifier_weight(), source->classifier_weight()));
  CHECK(network->parameters()[0].group == ParameterGroup::backbone_weight);
}

namespace {

// These functions write a .caffemodel by hand, in the wire format of protocol buffers.
std::string varint(uint64_t value) {
  std::string text;
  for (; value > 127; value >>= 7) text += static_cast<char>((value & 127) | 128);
  return text + static_cast<char>(value);
}
std::string message(int field, const std::string& bytes) {
  return varint(static_cast<uint64_t>(field) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string number(int field, int64_t value) {
  return varint(static_cast<uint64_t>(field) << 3) + varint(static_cast<uint64_t>(value));
}

std::string blob(const at::Tensor& tensor, bool is_old) {
  const at::Tensor values = tensor.contiguous();
  std::string text, shape;
  for (int64_t i = 0; i < 4; ++i)
    if (is_old) text += number(static_cast<int>(i + 1), i < 4 - values.dim() ? 1 : values.size(i - 4 + values.dim()));
  for (const int64_t n : values.sizes()) shape += varint(static_cast<uint64_t>(n));
  if (!is_old) text += message(7, message(1, shape));
  return text + message(5, {static_cast<const char*>(values.const_data_ptr()), static_cast<size_t>(values.nbytes())});
}

std::string caffe_model(const NamedTensors& tensors, bool is_old) {
  std::string text = message(1, "VGG");
  for (size_t i = 0; i < tensors.size(); i += 2) {
    std::string layer = message(is_old ? 4 : 1, tensors[i].first.substr(0, tensors[i].first.rfind('.')));
    for (size_t j = i; j < i + 2; ++j) layer += message(is_old ? 6 : 7, blob(tensors[j].second, is_old));
    text += message(is_old ? 2 : 100, layer);
  }
  return text;
}

}  // namespace

TEST_CASE("a .caffemodel of VGG-16 gives what the same weights as .pth give, in both of its forms", "[weights]") {
  TemporaryDirectory dir;
  const auto source = numbered_vgg16("largefov", 1);
  NamedTensors tensors = without_prefix(*source);
  tensors.emplace_back("fc8_voc12.weight", at::zeros({21, 1024, 1, 1}));
  tensors.emplace_back("fc8_voc12.bias", at::zeros({21}));
  for (const bool is_old : {false, true}) {
    const fs::path path = dir / "vgg16_20M.caffemodel";
    write_file(path, caffe_model(tensors, is_old));
    const auto network = numbered_vgg16("largefov", 100);
    CHECK(load_initial_weights(*network, path) == std::vector<std::string>{"classifier.weight"});
    CHECK(network->normalisation().name == "caffe_bgr");
    for (const auto& [name, value] : source->state_dict())
      if (name != "classifier.weight") REQUIRE(at::equal(tensor_named(*network, name), value));
    const std::string text = read_file(path);
    write_file(path, text.substr(0, text.size() - 7));
    const Failure failure = failure_of([&] { load_initial_weights(*network, path); });
    CHECK(failure.kind == ErrorKind::bad_input);
    CHECK_THAT(failure.message, Contains("vgg16_20M.caffemodel") && Contains("cut short"));
  }
}

TEST_CASE("fc6 and fc7 of ImageNet's Caffe VGG-16 are cut as torchvision's", "[weights]") {
  NamedTensors tensors = without_prefix(*numbered_vgg16("plain", 1));
  for (auto& [name, value] : tensors) {
    if (name == "fc6.weight") value = at::arange(4096, at::kFloat).view({-1, 1}).expand({4096, 25088});
    if (name == "fc7.weight") value = at::arange(4096, at::kFloat).view({1, -1}).expand({4096, 4096});
    if (name == "fc6.bias" || name == "fc7.bias") value = at::arange(4096, at::kFloat);
  }
  const WeightFile file = recognise_weights({tensors, {}});
  CHECK(named(file.tensors, "backbone.fc6.weight").sizes() == at::IntArrayRef({1024, 512, 3, 3}));
  CHECK(named(file.tensors, "backbone.fc6.weight")[5][0][0][0].item<float>() == 20);
  CHECK(named(file.tensors, "backbone.fc7.weight")[9][3][0][0].item<float>() == 12);
  CHECK(named(file.tensors, "backbone.fc7.bias")[2].item<float>() == 8);
}

TEST_CASE("ResNet-101 of torchvision and of kazuto1011 is brought to the authors' names", "[weights]") {
  const auto network = make_empty_network({.backbone = "resnet101", .head = "aspp"});
  float number = 1;
  NamedTensors torchvision, kazuto;
  const std::map<std::string, std::string> parts = {{"reduce.conv", "conv1"},          {"reduce.bn", "bn1"},
                                                    {"conv3x3.conv", "conv2"},         {"conv3x3.bn", "bn2"},
                                                    {"increase.conv", "conv3"},        {"increase.bn", "bn3"},
                                                    {"shortcut.conv", "downsample.0"}, {"shortcut.bn", "downsample.1"}};
  for (const auto& [name, value] : without_prefix(*network)) {
    const at::Tensor filled = at::full_like(value, number++);
    kazuto.emplace_back("base." + name, filled);
    // Names are such as layer2.block1.reduce.conv.weight and layer1.conv1.bn.weight.
    const auto words = split(name, '.');
    if (words[0] == "layer1") {
      torchvision.emplace_back((words[2] == "bn" ? "bn1." : "conv1.") + words.back(), filled);
      continue;
    }
    const auto less_one = [](const std::string& text, size_t from) {
      return std::to_string(std::stoi(text.substr(from)) - 1);
    };
    torchvision.emplace_back("layer" + less_one(words[0], 5) + "." + less_one(words[1], 5) + "." +
                                 parts.at(words[2] + "." + words[3]) + "." + words.back(),
                             filled);
  }
  torchvision.emplace_back("fc.weight", at::zeros({1000, 2048}));
  torchvision.emplace_back("fc.bias", at::zeros({1000}));
  kazuto.emplace_back("base.aspp.c0.weight", at::zeros({21, 2048, 3, 3}));
  TemporaryDirectory dir;
  for (const auto& [tensors, normalisation] :
       {std::pair{torchvision, "torchvision_rgb"}, std::pair{kazuto, "caffe_bgr"}}) {
    INFO(normalisation);
    write_checkpoint(dir / "weights.pth", {tensors, {}});
    auto loaded = make_network({.backbone = "resnet101", .head = "aspp"}, 1);
    CHECK(load_initial_weights(*loaded, dir / "weights.pth") ==
          std::vector<std::string>{"c1.weight", "c2.weight", "c3.weight", "c4.weight", "classifier.weight"});
    CHECK(loaded->normalisation().name == normalisation);
    float expected = 1;
    for (const auto& [name, value] : without_prefix(*loaded)) {
      INFO(name);
      REQUIRE(value.flatten()[0].to(at::kFloat).item<float>() == expected++);
    }
    for (const Parameter& p : loaded->parameters())
      CHECK(p.group == (p.name[0] == 'c' ? ParameterGroup::scratch_weight : ParameterGroup::backbone_weight));
  }
}
