// Makes networks whose tensors tell which one they are.
#pragma once
#include <memory>
#include <string>

#include "common/networks/backbones.h"
#include "common/networks/network.h"

namespace boxseg::test {

// Makes a VGG-16 whose tensors each hold a number of their own, which is quick.
inline std::unique_ptr<Network> numbered_vgg16(const std::string& head, float first, int64_t classes = 21) {
  auto network = make_empty_network({.backbone = "vgg16", .head = head, .classes = classes});
  const at::NoGradGuard no_grad;
  for (const auto& [name, value] : network->state_dict()) value.fill_(first++);
  return network;
}

// Returns what a file of backbone weights alone would hold, without the prefix.
inline NamedTensors without_prefix(const Network& network) {
  NamedTensors result;
  const std::string prefix = "backbone.";
  for (const auto& [name, value] : network.state_dict())
    if (name.rfind(prefix, 0) == 0) result.emplace_back(name.substr(prefix.size()), value.clone());
  return result;
}

}  // namespace boxseg::test
