// Network weights on disk.
//
// Written: a zip that Python's torch.load(weights_only=True) reads as a plain state_dict, plus our record in a zip
// entry of its own ("boxseg.json", which torch ignores). Read: that, any torch.save zip, files older than PyTorch
// 1.6, nesting under `state_dict`, `model` and such, prefixes `module.`, `base.` and `model.` (stripped when all
// names have them) and torch.compile's `_orig_mod.` (stripped everywhere), safetensors, .caffemodel. Nothing a
// pickle asks for is ever executed: globals outside an allow-list are refused by name.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace boxseg {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;  // in file order

struct Checkpoint {
  NamedTensors tensors;
  std::map<std::string, std::string> record;  // ours: "backbone", "head", "classes", "normalisation", ...; else empty
};

Checkpoint read_checkpoint(const std::filesystem::path& path);  // throws bad_input with the file's name
// Atomic. CPU copies, contiguous; equal checkpoints give equal bytes.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// Of names, dtypes, shapes and values in order, and of the record.
std::string digest_of_checkpoint(const Checkpoint& checkpoint);

}  // namespace boxseg
