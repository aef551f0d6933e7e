#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/io/checkpoint/formats.h"

namespace boxseg {
namespace {

uint64_t header_size(std::string_view bytes) {
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  return size;
}

at::ScalarType type_of(const std::string& name, const std::string& tensor, const std::string& file) {
  static const std::map<std::string, at::ScalarType> types = {
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}, {"I64", at::kLong},
      {"I32", at::kInt},    {"I16", at::kShort}, {"I8", at::kChar},  {"U8", at::kByte},       {"BOOL", at::kBool}};
  const auto found = types.find(name);
  if (found == types.end())
    fail_input("{}: tensor {} has type {}, which is not supported; convert it in Python and save again", file, tensor,
               name);
  return found->second;
}

// Returns an unsigned integer, and refuses any other number; the library would turn 1e80 and -1 into some integer.
uint64_t whole_number(const nlohmann::json& value, const std::string& file) {
  if (!value.is_number_unsigned()) fail_input("{}: is damaged: {} in its header", file, value.dump());
  return value.get<uint64_t>();
}

}  // namespace

// The file is a u64 size of the header, the header (JSON), and the data.
bool is_safetensors(std::string_view bytes) {
  return bytes.size() > 9 && bytes[8] == '{' && header_size(bytes) < (uint64_t{1} << 32);
}

NamedTensors read_safetensors(std::string_view bytes, const std::string& file) {
  const uint64_t size = header_size(bytes);
  if (size > bytes.size() - 8) fail_input("{}: is cut short in its header; copy the file again", file);
  const std::string_view data = bytes.substr(8 + size);
  struct Piece {
    std::string name, type;
    std::vector<uint64_t> shape;
    uint64_t begin = 0, end = 0;
  };
  std::vector<Piece> pieces;
  try {
    const auto header = nlohmann::json::parse(bytes.substr(8, size));
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      const auto& offsets = entry.at("data_offsets");
      Piece piece{name, entry.at("dtype"), {}, whole_number(offsets.at(0), file), whole_number(offsets.at(1), file)};
      for (const auto& side : entry.at("shape")) piece.shape.push_back(whole_number(side, file));
      pieces.push_back(std::move(piece));
    }
  } catch (const nlohmann::json::exception& e) {
    const auto* syntax = dynamic_cast<const nlohmann::json::parse_error*>(&e);
    fail_input("{}: is damaged, or no safetensors file: its header {}; fetch the file again", file,
               syntax != nullptr ? fmt::format("is no JSON from byte {} on", 8 + syntax->byte)
                                 : "lacks dtype, shape or data_offsets of a tensor");
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  NamedTensors tensors;
  for (const Piece& piece : pieces) {
    const at::ScalarType type = type_of(piece.type, piece.name, file);
    uint64_t expected = c10::elementSize(type);
    bool is_fine = piece.begin <= piece.end && piece.end <= data.size() && piece.shape.size() <= 64;
    for (const uint64_t side : piece.shape)
      is_fine = is_fine && side <= INT64_MAX && !__builtin_mul_overflow(expected, side, &expected);
    if (!is_fine || expected != piece.end - piece.begin)
      fail_input("{}: is damaged or cut short: tensor {} does not fit its place; copy the file again", file,
                 piece.name);
    const std::vector<int64_t> shape(piece.shape.begin(), piece.shape.end());
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(type));
    if (expected > 0) std::memcpy(tensor.data_ptr(), data.data() + piece.begin, expected);
    tensors.emplace_back(piece.name, std::move(tensor));
  }
  return tensors;
}

}  // namespace boxseg
