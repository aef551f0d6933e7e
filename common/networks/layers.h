// Holds the few layers that the networks are made of: plain structs over at:: functions, which run on any device and
// under autograd, and a maker that names, fills and registers their tensors.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/networks/network.h"
#include "common/ops/convolution.h"

namespace boxseg {

struct Conv {
  at::Tensor weight, bias;  // [out, in/groups, k, k]; [out] or undefined
  ConvolutionGeometry geometry;
  int64_t kernel() const { return weight.size(-1); }
  at::Tensor operator()(const at::Tensor& x) const;
  // Convolves relu(x), which x is overwritten with.
  at::Tensor of_relu(const at::Tensor& x) const;
  // Convolves with TensorFlow's SAME padding for the input's size, and ignores the geometry's padding. SAME is
  // asymmetric where stride and size make it odd, with the extra row or column at the bottom and right
  // (tests/README.md, efficientnet_lite0.h5, 2).
  at::Tensor same(const at::Tensor& x) const;
};

// Holds what TensorFlow pads before and after an axis of n: total = max((ceil(n/s)-1)*s + (k-1)*d + 1 - n, 0).
struct SamePadding {
  int64_t before = 0, after = 0;
};
SamePadding same_padding(int64_t n, int64_t kernel, int64_t stride, int64_t dilation);

struct BatchNorm {
  at::Tensor weight, bias, running_mean, running_var, num_batches_tracked;
  double eps = 1e-5, momentum = 0.1;  // momentum in torch's sense: the share of the new value
  at::Tensor operator()(const at::Tensor& x, bool with_batch_statistics) const;
};

// Returns x. While training it throws (interrupted) after a signal, now and when the backward pass reaches x.
at::Tensor interruptible(at::Tensor x, const Pass& pass);

// Says what a new network's tensors hold, and where they are.
struct Filling {
  std::optional<uint64_t> seed = std::nullopt;  // none: zeros, for weights that are about to be read
  at::Device device = at::kCPU;
};

// Creates tensors in the order of the authors' state_dict and registers them with the network.
class LayerMaker {
 public:
  LayerMaker(const Filling& filling, std::vector<Parameter>& parameters, NamedTensors& buffers,
             std::vector<std::string>& order)
      : filling_(filling), parameters_(parameters), buffers_(buffers), order_(order) {}

  struct ConvOptions {
    int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
    bool has_bias = true, is_scratch = false;
    double std = 0;  // 0: He's, sqrt(2 / fan-in)
  };
  // Makes a convolution with NAME.weight and, if wanted, NAME.bias. `name` is "backbone.conv1_1" or such.
  Conv conv(const std::string& name, int64_t in, int64_t out, int64_t kernel, const ConvOptions& options);
  BatchNorm batch_norm(const std::string& name, int64_t channels, double eps, double momentum);

 private:
  at::Tensor parameter(const std::string& name, at::Tensor value, ParameterGroup group, bool is_batch_norm);
  at::Tensor buffer(const std::string& name, at::Tensor value);

  Filling filling_;
  std::vector<Parameter>& parameters_;
  NamedTensors& buffers_;
  std::vector<std::string>& order_;
};

}  // namespace boxseg
