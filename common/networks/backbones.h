// Declares one factory per backbone, and the table of them from which make_network() chooses. The spec has been checked
// and its output stride resolved.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/networks/layers.h"

namespace boxseg {

struct Backbone {
  const char* name;
  std::vector<int64_t> output_strides;  // the usual one first
  std::vector<std::string> heads;
  const char* first_tensor;  // of its state_dict, and of no other: tells the backbone where no record does
  std::unique_ptr<Network> (*make)(const NetworkSpec&, const Filling&);
};
const std::vector<Backbone>& backbones();

// Tells the backbone of a state_dict by its names; null for none of ours.
const Backbone* backbone_with(const NamedTensors& tensors);

// Makes the AffinityNet/DeepLab form of VGG-16, as models/Layers.py: pools 3x3 padding 1 with strides 2,2,2,1,1, conv5
// dilated 2, average pool 3x3, fc6 3x3 dilated 1 (head plain) or 12 (largefov), fc7 1x1. C = 1024, stride 8.
std::unique_ptr<Network> make_vgg16(const NetworkSpec& spec, const Filling& filling);

// Makes DeepLab-v2's ResNet-101 with head aspp: stem 7x7/2 and ceil-mode max pool, bottlenecks with the stride in the
// first 1x1, layers 4 and 5 dilated 2 and 4; kazuto1011's names. Batch norm and biases learn at the backbone's rate and
// decay. C = 256, stride 8.
std::unique_ptr<Network> make_resnet101(const NetworkSpec& spec, const Filling& filling);

// Makes a small network from scratch, for the demo and for tests: four 3x3 convolutions of 16 to 64 channels; head
// largefov: a fifth, dilated one. It has no dropout. C = 64, stride 4.
std::unique_ptr<Network> make_tiny(const NetworkSpec& spec, const Filling& filling);

// Does what make_network() does but for the random filling, for weights that are about to be read.
std::unique_ptr<Network> make_empty_network(const NetworkSpec& spec, const at::Device& device = at::kCPU);

// Makes EfficientNet-Lite0 without its ImageNet head; see efficientnet_lite0.h.
std::unique_ptr<Network> make_efficientnet_lite0(const NetworkSpec& spec, const Filling& filling);

}  // namespace boxseg
