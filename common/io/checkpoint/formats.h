// Reads the file formats behind checkpoint.h, one function each. `bytes` is the whole file, `file` its name for
// messages.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "common/io/checkpoint/checkpoint.h"
#include "common/io/checkpoint/pickle.h"

namespace boxseg {

inline constexpr const char* kRecordEntry = "boxseg.json";

struct PickledFile {
  pickle::Arena arena;  // owns what root refers to
  pickle::Value root;
  std::map<std::string, std::string> record;
};

void read_torch_zip(std::string_view bytes, const std::string& file, PickledFile* result);
void read_torch_legacy(std::string_view bytes, const std::string& file, PickledFile* result);
void write_torch_zip(const std::filesystem::path& path, const NamedTensors& tensors,
                     const std::map<std::string, std::string>& record);

bool is_safetensors(std::string_view bytes);
NamedTensors read_safetensors(std::string_view bytes, const std::string& file);

// Returns the layers that have weights as NAME.weight and NAME.bias, from old (V1) and new messages.
NamedTensors read_caffe_model(std::string_view bytes, const std::string& file);

}  // namespace boxseg
