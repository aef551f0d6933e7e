// Reads and writes network weights.
//
// Written is a zip that Python's torch.load(weights_only=True) reads as a plain state_dict, with our record in a zip
// entry of its own ("boxseg.json", which torch ignores). Read are that, any torch.save zip, files older than PyTorch
// 1.6, safetensors and .caffemodel; nesting under `state_dict`, `model` and such is followed, prefixes `module.`,
// `base.` and `model.` are stripped when all names have them, and torch.compile's `_orig_mod.` everywhere. Nothing a
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
  // Our notes: "backbone", "head", "classes", "normalisation", ...; empty in files of others.
  std::map<std::string, std::string> record;
};

Checkpoint read_checkpoint(const std::filesystem::path& path);  // throws bad_input with the file's name
// Writes atomically. Tensors are copied to the CPU and made contiguous; equal checkpoints give equal bytes.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// Digests names, dtypes, shapes and values in order, and the record.
std::string digest_of_checkpoint(const Checkpoint& checkpoint);

}  // namespace boxseg
