// Makes networks as the golden data has them: weights from a formula, probes of tensors, and the steps of steps.h5. It
// is a header only, for test programs that link boxseg_networks.
#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/io/hdf5.h"
#include "common/networks/backbones.h"
#include "common/networks/network.h"

namespace boxseg::test {

enum class Formula { plain, mixed };  // `formula` and `formula_mixed` of nets.h5

// Returns value i of tensor number t, in [0, 1).
inline double formula_value(Formula formula, uint64_t t, uint64_t i) {
  uint32_t h = static_cast<uint32_t>(i * 2654435761u + t * 40503u + 12345u);
  if (formula == Formula::mixed) {
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    h ^= h >> 16;
  }
  return h / 4294967296.0;
}

inline bool has_suffix(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// Fills every tensor of the state_dict, the classifier included, in its order.
inline void fill_by_formula(Network& network, Formula formula = Formula::mixed) {
  NamedTensors filled;
  uint64_t t = 0;
  for (const auto& [name, own] : network.state_dict()) {
    const uint64_t position = t++;
    if (has_suffix(name, "num_batches_tracked")) {
      filled.emplace_back(name, at::zeros({}, at::kLong));
      continue;
    }
    at::Tensor value = at::empty(own.sizes(), at::kFloat);
    float* out = value.mutable_data_ptr<float>();
    const bool is_conv = own.dim() == 4;
    const double bound = is_conv ? std::sqrt(6.0 / static_cast<double>(own.size(1) * own.size(2) * own.size(3))) : 0.1;
    const double offset = !is_conv && (has_suffix(name, "weight") || has_suffix(name, "running_var")) ? 1 : 0;
    const bool is_variance = has_suffix(name, "running_var");
    for (int64_t i = 0; i < own.numel(); ++i) {
      const double u = formula_value(formula, position, static_cast<uint64_t>(i));
      out[i] = static_cast<float>(is_variance ? offset + 0.2 * u : offset + bound * (2 * u - 1));
    }
    filled.emplace_back(name, value);
  }
  network.load_state_dict(filled, "formula");
}

// Makes the authors' network (head plain: stage 1, largefov: stage 3) filled by a formula.
inline std::unique_ptr<Network> golden_vgg16(const std::string& head, Formula formula = Formula::mixed,
                                             int64_t classes = 21) {
  auto network = make_empty_network({.backbone = "vgg16", .head = head, .classes = classes});
  fill_by_formula(*network, formula);
  return network;
}

// Returns the state_dict entry itself, which shares memory with the network.
inline at::Tensor tensor_named(const Network& network, const std::string& name) {
  for (const auto& [key, value] : network.state_dict())
    if (key == name) return value;
  fail("no tensor is named {}", name);
}

inline void set_tensor(Network& network, const std::string& name, const std::vector<float>& values) {
  const at::Tensor own = tensor_named(network, name);
  ensure(own.numel() == static_cast<int64_t>(values.size()), "{}: {} values for {}", name, values.size(), own.numel());
  at::NoGradGuard no_grad;
  own.copy_(at::from_blob(const_cast<float*>(values.data()), own.sizes(), at::kFloat));
}

template <class T = float>
at::Tensor read_tensor(const H5Reader& file, const std::string& name) {
  const std::vector<T> values = file.read<T>(name);
  const Shape shape = file.shape(name);
  at::Tensor tensor = at::empty(shape, c10::CppTypeToScalarType<T>::value);
  std::copy(values.begin(), values.end(), tensor.template mutable_data_ptr<T>());
  return tensor;
}

// Returns BGR minus the Caffe mean: [N,3,H,W] float32 from [N,H,W,3] or [H,W,3] RGB bytes.
inline at::Tensor caffe_input(const at::Tensor& rgb) {
  const at::Tensor images = rgb.dim() == 3 ? rgb.unsqueeze(0) : rgb;
  const Normalisation n = parse_normalisation("caffe_bgr");
  std::vector<at::Tensor> inputs;
  for (const at::Tensor& image : images.to(at::kFloat).contiguous().unbind(0)) {
    const float* p = image.const_data_ptr<float>();
    const std::vector<float> values =
        normalise(std::vector<float>(p, p + image.numel()), image.size(0), image.size(1), n);
    inputs.push_back(
        at::from_blob(const_cast<float*>(values.data()), {3, image.size(0), image.size(1)}, at::kFloat).clone());
  }
  return at::stack(inputs);
}

// --- steps.h5 ---

// Makes the network of a stage ("stage1", "stage3") at its start: formula_mixed, seven weights halved, classifier
// stored.
inline std::unique_ptr<Network> steps_network(const H5Reader& steps, const std::string& stage) {
  auto network = golden_vgg16(stage == "stage1" ? "plain" : "largefov");
  at::NoGradGuard no_grad;
  for (const char* layer : {"conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1", "fc6", "fc7"})
    tensor_named(*network, std::string("backbone.") + layer + ".weight").mul_(0.5);
  set_tensor(*network, "classifier.weight", steps.read<float>("in/classifier_weight"));
  return network;
}

// Returns sum, sum of squares, first and last in float64: the columns of the probes of steps.h5.
inline std::array<double, 4> steps_probe(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kCPU).to(at::kDouble).flatten();
  return {flat.sum().item<double>(), flat.square().sum().item<double>(), flat[0].item<double>(),
          flat[flat.numel() - 1].item<double>()};
}

struct Deviation {
  double worst = 0;   // |found - golden| / (4 * err): at most 1 is within tolerance
  std::string where;  // tensor and column
};

// Compares with STAGE/PROBE[step] (change_probe, gradient_probe, parameter_probe) or, for step < 0, with STAGE/PROBE
// (momentum_probe). `tensors` are in the order of STAGE/tensor_names.
inline Deviation steps_deviation(const H5Reader& steps, const std::string& stage, const std::string& probe,
                                 int64_t step, const std::vector<at::Tensor>& tensors) {
  static const char* const kColumns[] = {"sum", "sum of squares", "first", "last"};
  const std::vector<double> golden = steps.read<double>(stage + "/" + probe);
  const std::vector<double> err = steps.read<double>(stage + "/err_" + probe);
  const std::vector<std::string> names = steps.read_strings(stage + "/tensor_names");
  ensure(names.size() == tensors.size(), "{} tensors instead of {}", tensors.size(), names.size());
  const size_t offset = step < 0 ? 0 : static_cast<size_t>(step) * names.size() * 4;
  Deviation result;
  for (size_t t = 0; t < names.size(); ++t) {
    const std::array<double, 4> found = steps_probe(tensors[t]);
    for (size_t c = 0; c < 4; ++c) {
      const size_t i = offset + t * 4 + c;
      if (found[c] == golden[i]) continue;
      const double ratio = std::abs(found[c] - golden[i]) / (4 * err[i]);
      if (ratio > result.worst || std::isnan(ratio))
        result = {ratio, fmt::format("{} {} step {}, {} of {}: {} instead of {}, tolerance {}", stage, probe, step,
                                     kColumns[c], names[t], found[c], golden[i], 4 * err[i])};
    }
  }
  return result;
}

// Returns clones of .grad of every parameter, before Sgd::step clears it.
inline std::vector<at::Tensor> gradients_of(const Network& network) {
  std::vector<at::Tensor> all;
  for (const Parameter& p : network.parameters()) all.push_back(p.value.grad().clone());
  return all;
}

inline std::vector<at::Tensor> values_of(const Network& network) {
  std::vector<at::Tensor> all;
  for (const Parameter& p : network.parameters()) all.push_back(p.value.detach().clone());
  return all;
}

}  // namespace boxseg::test
