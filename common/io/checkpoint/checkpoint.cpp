#include "common/io/checkpoint/checkpoint.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/io/checkpoint/formats.h"
#include "common/io/checkpoint/mapped_file.h"

namespace boxseg {
namespace {

// The tensors of a dict with text keys, each at the place of its first mention with its last value, as in Python.
NamedTensors tensors_of(const pickle::Value& value) {
  NamedTensors tensors;
  if (value.dict() == nullptr) return tensors;
  std::map<std::string, size_t> place;
  for (const auto& [key, item] : *value.dict()) {
    const auto* name = key.get<std::string>();
    const auto* tensor = item.get<at::Tensor>();
    if (name == nullptr || tensor == nullptr) continue;
    if (const auto [at, is_new] = place.emplace(*name, tensors.size()); is_new) tensors.emplace_back(*name, *tensor);
    else tensors[at->second].second = *tensor;
  }
  return tensors;
}

NamedTensors find_state(const pickle::Value& root, const std::string& file) {
  if (root.dict() == nullptr)
    fail_input("{}: holds no dict of tensors; write torch.save(model.state_dict(), file)", file);
  if (NamedTensors tensors = tensors_of(root); !tensors.empty()) return tensors;
  for (const char* key : {"state_dict", "model", "model_state_dict"})
    if (const pickle::Value* nested = root.find(key); nested != nullptr)
      if (NamedTensors tensors = tensors_of(*nested); !tensors.empty()) return tensors;
  if (root.dict()->empty()) return {};
  fail_input("{}: holds no tensors, neither at its top nor under state_dict or model", file);
}

// "module." (DataParallel) and "base." go when every name has them.
void strip_prefixes(NamedTensors* tensors) {
  for (bool is_changed = !tensors->empty(); is_changed;) {
    is_changed = false;
    for (const std::string prefix : {"module.", "base."}) {
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
    if (bytes[0] == 'P') read_torch_zip(bytes, file, &pickled);
    else read_torch_legacy(bytes, file, &pickled);
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
