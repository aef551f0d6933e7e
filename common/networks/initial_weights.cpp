#include <algorithm>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/networks/network.h"
#include "common/networks/weight_files.h"

namespace boxseg {
namespace {

std::string listed(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const size_t shown = std::min<size_t>(names.size(), 6);
  std::string text =
      fmt::format("; {}: {}", what, join({names.begin(), names.begin() + static_cast<long>(shown)}, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

std::vector<std::string> load_initial_weights(Network& network, const std::filesystem::path& path) {
  const WeightFile file = recognise_weights(read_checkpoint(path));
  std::unordered_map<std::string, at::Tensor> given(file.tensors.begin(), file.tensors.end());
  // It is of other classes, or of the other stage, and always starts fresh.
  given.erase("classifier.weight");
  std::vector<std::string> missing, unexpected = file.leftovers, lacking;
  NamedTensors own = network.state_dict();
  std::unordered_map<std::string, at::Tensor> fitting;
  for (const auto& [name, value] : own) {
    const auto found = given.find(name);
    const bool fits = found != given.end() && found->second.sizes() == value.sizes();
    if (fits)
      fitting.emplace(name, found->second);
    else if (is_head_layer(name))
      lacking.push_back(name);
    else if (found == given.end() && name.ends_with(".num_batches_tracked"))
      continue;  // older files do not have these
    else if (found == given.end())
      missing.push_back(name);
    else
      missing.push_back(fmt::format("{} {} (there it is {})", name, shape_text(value), shape_text(found->second)));
    if (found != given.end()) given.erase(found);
  }
  for (const auto& [name, value] : file.tensors)
    if (given.count(name) > 0 && !is_head_layer(name)) unexpected.push_back(name);
  if (file.backbone != network.spec().backbone || !missing.empty() || !unexpected.empty())
    fail_input("{}: holds {}, which does not fit --backbone {}{}{}; give --init a file of that network", path.string(),
               file.backbone.empty() ? "weights of an unknown network" : file.what, network.spec().backbone,
               listed("missing", missing), listed("unexpected", unexpected));
  {
    at::NoGradGuard no_grad;
    for (auto& [name, value] : own)
      if (const auto found = fitting.find(name); found != fitting.end()) {
        require_finite(found->second, name, path.string());
        value.copy_(found->second);
      }
  }
  for (Parameter& p : network.parameters()) {
    if (std::find(lacking.begin(), lacking.end(), p.name) == lacking.end()) continue;
    if (p.group == ParameterGroup::backbone_weight) p.group = ParameterGroup::scratch_weight;
    if (p.group == ParameterGroup::backbone_bias) p.group = ParameterGroup::scratch_bias;
  }
  if (!file.normalisation.empty()) network.set_normalisation(parse_normalisation(file.normalisation));
  return lacking;
}

}  // namespace boxseg
