#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/networks/backbones.h"
#include "common/networks/network.h"

namespace boxseg {
namespace {

const at::Tensor* find(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [key, value] : tensors)
    if (key == name) return &value;
  return nullptr;
}

// Tells the network of a state_dict without a record by names and shapes.
NetworkSpec told_from_names(const NamedTensors& tensors, const std::filesystem::path& path,
                            const std::string& bare_vgg_head) {
  const Backbone* told = backbone_with(tensors);
  if (told == nullptr) {
    std::vector<std::string> names;
    for (const Backbone& b : backbones()) names.emplace_back(b.first_tensor);
    fail_input(
        "{}: not a network of ours or of the authors: none of its {} tensors has one of the names {} (the first is "
        "'{}')",
        path.string(), tensors.size(), join(names, ", "), tensors.empty() ? "" : tensors.front().first);
  }
  NetworkSpec spec;
  spec.backbone = told->name;
  spec.head = told->heads.front();
  if (find(tensors, "c1.weight") != nullptr) spec.head = "aspp";
  if (find(tensors, "backbone.fc6.weight") != nullptr)
    spec.head = spec.backbone == "vgg16" ? bare_vgg_head : "largefov";
  const at::Tensor* classifier = find(tensors, "classifier.weight");
  if (classifier == nullptr || classifier->dim() != 4)
    fail_input("{}: has no classifier.weight [K,C,1,1]: backbone weights alone are given to a training stage as --init",
               path.string());
  spec.classes = classifier->size(0);
  return spec;
}

const std::string& required(const std::map<std::string, std::string>& record, const std::string& key,
                            const std::filesystem::path& path) {
  const auto found = record.find(key);
  if (found == record.end())
    fail_input("{}: its record lacks '{}'; make the file again with this version", path.string(), key);
  return found->second;
}

}  // namespace

LoadedNetwork load_network(const std::filesystem::path& path, const at::Device& device,
                           const std::string& bare_vgg_head) {
  Checkpoint checkpoint = read_checkpoint(path);
  LoadedNetwork loaded;
  NetworkSpec spec;
  std::optional<Normalisation> normalisation;
  if (checkpoint.record.empty()) {
    spec = told_from_names(checkpoint.tensors, path, bare_vgg_head);
  } else {
    try {
      spec.backbone = required(checkpoint.record, "backbone", path);
      spec.head = required(checkpoint.record, "head", path);
      spec.classes = parse_integer(required(checkpoint.record, "classes", path), "classes");
      spec.output_stride = parse_integer(required(checkpoint.record, "output_stride", path), "output_stride");
      normalisation = parse_normalisation(required(checkpoint.record, "normalisation", path));
      spec.check();
    } catch (const Error& e) {  // a usage error is the file's fault here
      if (e.kind() == ErrorKind::bad_input) throw;
      fail_input("{}: its record does not describe a network: {}", path.string(), e.what());
    }
  }
  loaded.network = make_empty_network(spec, device);
  loaded.network->load_state_dict(checkpoint.tensors, path.string());
  if (normalisation) loaded.network->set_normalisation(*normalisation);
  loaded.record = std::move(checkpoint.record);
  return loaded;
}

Checkpoint make_checkpoint(const Network& network, std::map<std::string, std::string> extra_record) {
  const NetworkSpec& spec = network.spec();
  extra_record.insert({{"backbone", spec.backbone},
                       {"head", spec.head},
                       {"classes", std::to_string(spec.classes)},
                       {"output_stride", std::to_string(spec.output_stride)},
                       {"normalisation", network.normalisation().name}});
  return {network.state_dict(), std::move(extra_record)};
}

std::string record_list(const std::vector<std::string>& items) { return join(items, "\n"); }

std::vector<std::string> parse_record_list(const std::string& text) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    items.push_back(text.substr(begin, end - begin));
  items.push_back(text.substr(begin));
  return items;
}

}  // namespace boxseg
