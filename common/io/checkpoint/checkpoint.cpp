#include "common/io/checkpoint/checkpoint.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/text.h"
#include "common/io/checkpoint/formats.h"
#include "common/io/checkpoint/mapped_file.h"

namespace boxseg {
namespace {

// Collects the tensors of a dict with text keys. As in Python, each stands at the place of its first mention and has
// its last value.
NamedTensors tensors_of(const pickle::Value& value) {
  NamedTensors tensors;
  if (value.dict() == nullptr) return tensors;
  std::map<std::string, size_t> place;
  for (const auto& [key, item] : *value.dict()) {
    const auto* name = key.get<std::string>();
    const auto* tensor = item.get<at::Tensor>();
    if (name == nullptr || tensor == nullptr) continue;
    if (const auto [at, is_new] = place.emplace(*name, tensors.size()); is_new)
      tensors.emplace_back(*name, *tensor);
    else
      tensors[at->second].second = *tensor;
  }
  return tensors;
}

// Training scripts put the weights under one of these keys, the usual one first; at times one lies inside the other.
constexpr const char* kStateKeys[] = {"state_dict", "model_state_dict", "model_state", "model", "network", "net"};

NamedTensors tensors_under_a_known_key(const pickle::Value& value, int depth = 3) {
  if (value.dict() == nullptr || depth == 0) return {};
  for (const char* key : kStateKeys) {
    const pickle::Value* nested = value.find(key);
    if (nested == nullptr) continue;
    if (NamedTensors tensors = tensors_under_a_known_key(*nested, depth - 1); !tensors.empty()) return tensors;
    if (NamedTensors tensors = tensors_of(*nested); !tensors.empty()) return tensors;
  }
  return {};
}

std::vector<std::string> keys_of_dicts_of_tensors(const pickle::Value& root) {
  std::vector<std::string> keys;
  for (const auto& [key, item] : *root.dict())
    if (const auto* name = key.get<std::string>(); name != nullptr && !tensors_of(item).empty()) keys.push_back(*name);
  return keys;
}

// Finds the dict of weights. A known key goes before the top, beside which may stand a tensor that is no weight, such
// as the best accuracy so far.
NamedTensors find_state(const pickle::Value& root, const std::string& file) {
  if (root.dict() == nullptr)
    fail_input("{}: holds no dict of tensors; write torch.save(model.state_dict(), file)", file);
  if (NamedTensors tensors = tensors_under_a_known_key(root); !tensors.empty()) return tensors;
  NamedTensors tensors = tensors_of(root);
  const auto is_number = [](const auto& named) { return named.second.dim() == 0; };
  if (!std::all_of(tensors.begin(), tensors.end(), is_number) || root.dict()->empty()) return tensors;
  const std::vector<std::string> keys = keys_of_dicts_of_tensors(root);
  if (keys.empty() && !tensors.empty()) return tensors;
  if (keys.empty())
    fail_input("{}: holds no tensors, neither at its top nor under {}; write torch.save(model.state_dict(), file)",
               file, join({std::begin(kStateKeys), std::end(kStateKeys)}, ", "));
  fail_input(
      "{}: holds dicts of tensors under {}, none of which is a usual name of weights ({}); save the right one in "
      "Python: torch.save(torch.load('{}', weights_only=True)['{}'], 'weights.pth')",
      file, join(keys, ", "), join({std::begin(kStateKeys), std::end(kStateKeys)}, ", "), file, keys.front());
}

// Strips "module." (DataParallel), "base." and "model." (Lightning) where every name has them, and everywhere
// "_orig_mod.", which torch.compile puts before the names of whatever was compiled.
void strip_prefixes(NamedTensors* tensors) {
  constexpr std::string_view kCompiled = "_orig_mod.";
  for (auto& [name, tensor] : *tensors)
    for (size_t at = name.find(kCompiled); at != std::string::npos; at = name.find(kCompiled))
      name.erase(at, kCompiled.size());
  for (bool is_changed = !tensors->empty(); is_changed;) {
    is_changed = false;
    for (const std::string prefix : {"module.", "base.", "model."}) {
      const auto has = [&](const auto& named) {
        return named.first.starts_with(prefix) && named.first.size() > prefix.size();
      };
      if (!std::all_of(tensors->begin(), tensors->end(), has)) continue;
      for (auto& [name, tensor] : *tensors) name.erase(0, prefix.size());
      is_changed = true;
    }
  }
}

Checkpoint read_any(const std::filesystem::path& path) {
  const std::string file = path.string();
  const MappedFile mapped(path);
  const std::string_view bytes = mapped.bytes();
  Checkpoint checkpoint;
  if (is_safetensors(bytes)) {
    checkpoint.tensors = read_safetensors(bytes, file);
  } else if (bytes.starts_with("PK\x03\x04") || bytes.starts_with('\x80')) {
    PickledFile pickled;
    if (bytes[0] == 'P')
      read_torch_zip(bytes, file, &pickled);
    else
      read_torch_legacy(bytes, file, &pickled);
    checkpoint.tensors = find_state(pickled.root, file);
    checkpoint.record = std::move(pickled.record);
  } else if (path.extension() == ".caffemodel") {
    checkpoint.tensors = read_caffe_model(bytes, file);
  } else if (bytes.starts_with("version https://git-lfs")) {
    fail_input("{}: is a pointer of Git LFS, not the weights; fetch them with git lfs pull", file);
  } else {
    fail_input("{}: is no file of network weights (.pt or .pth of torch.save, .safetensors, .caffemodel)", file);
  }
  strip_prefixes(&checkpoint.tensors);
  return checkpoint;
}

}  // namespace

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  try {
    return read_any(path);
  } catch (const c10::Error& e) {
    fail_input("{}: is damaged: {}", path.string(), e.what_without_backtrace());
  }
}

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : checkpoint.tensors)
    ensure(!name.empty() && names.insert(name).second, "{}: tensor name '{}' is empty or used twice", path.string(),
           name);
  write_torch_zip(path, checkpoint.tensors, checkpoint.record);
}

std::string digest_of_checkpoint(const Checkpoint& checkpoint) {
  Hasher hasher;
  hasher.text("checkpoint").number(static_cast<int64_t>(checkpoint.tensors.size()));
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const at::Tensor values = tensor.detach().to(at::kCPU).contiguous();
    hasher.text(name).text(at::toString(values.scalar_type())).number(values.dim());
    for (const int64_t side : values.sizes()) hasher.number(side);
    hasher.bytes(values.data_ptr(), values.nbytes());
  }
  for (const auto& [key, value] : checkpoint.record) hasher.text(key).text(value);
  return hasher.digest();
}

}  // namespace boxseg
