#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "common/base/error.h"
#include "common/io/checkpoint/formats.h"
#include "common/io/checkpoint/zip.h"

namespace boxseg {
namespace {

// Entries stand under a folder that torch names after the file: "NAME/data.pkl".
std::string folder_of(const ZipReader& zip, const std::string& file) {
  constexpr std::string_view kPickle = "/data.pkl";
  for (const auto& [name, entry] : zip.entries())
    if (name.ends_with(kPickle) && name.find('/') == name.size() - kPickle.size())
      return name.substr(0, name.size() - kPickle.size() + 1);
  fail_input("{}: is a zip archive, but none of torch.save: it holds no data.pkl", file);
}

std::map<std::string, std::string> read_record(const ZipReader& zip, const std::string& name, const std::string& file) {
  std::map<std::string, std::string> record;
  if (!zip.has(name)) return record;
  const auto json = nlohmann::json::parse(zip.view(name), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) fail_input("{}: its entry {} is no JSON object", file, name);
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) fail_input("{}: its entry {} holds '{}', which is no text", file, name, key);
    record[key] = value.get<std::string>();
  }
  return record;
}

const char* storage_name(at::ScalarType type, const std::string& tensor) {
  switch (type) {
    case at::kFloat:
      return "FloatStorage";
    case at::kDouble:
      return "DoubleStorage";
    case at::kHalf:
      return "HalfStorage";
    case at::kBFloat16:
      return "BFloat16Storage";
    case at::kLong:
      return "LongStorage";
    case at::kInt:
      return "IntStorage";
    case at::kShort:
      return "ShortStorage";
    case at::kChar:
      return "CharStorage";
    case at::kByte:
      return "ByteStorage";
    case at::kBool:
      return "BoolStorage";
    default:
      fail("tensor {} has type {}, which cannot be written", tensor, at::toString(type));
  }
}

// Writes the pickle of an OrderedDict of tensors as torch.save(model.state_dict()) writes it, in protocol 2.
class StateDictPickle {
 public:
  StateDictPickle() : bytes_("\x80\x02") {
    ordered_dict();
    bytes_ += '(';
  }

  void add(const std::string& name, const at::Tensor& tensor, size_t storage) {
    text(name);
    global("torch._utils", "_rebuild_tensor_v2");
    bytes_ += "((";
    text("storage");
    global("torch", storage_name(tensor.scalar_type(), name));
    text(std::to_string(storage));
    text("cpu");
    integer(tensor.numel());
    bytes_ += "tQ";
    integer(0);
    integers(tensor.sizes());
    integers(tensor.strides());
    bytes_ += '\x89';  // requires_grad=False
    ordered_dict();    // no backward hooks
    bytes_ += "tR";
  }

  std::string finish() { return std::move(bytes_) + "u."; }

 private:
  void little_endian(uint64_t value, size_t count) { bytes_.append(reinterpret_cast<const char*>(&value), count); }
  void text(const std::string& value) {
    bytes_ += 'X';
    little_endian(value.size(), 4);
    bytes_ += value;
  }
  void global(const char* module, const char* name) { bytes_ += fmt::format("c{}\n{}\n", module, name); }
  void ordered_dict() {
    global("collections", "OrderedDict");
    bytes_ += ")R";
  }
  void integer(int64_t value) {
    if (value >= 0 && value < 256) {
      bytes_ += 'K';
      little_endian(static_cast<uint64_t>(value), 1);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
      bytes_ += 'J';
      little_endian(static_cast<uint64_t>(value), 4);
    } else {
      bytes_ += "\x8a\x08";
      little_endian(static_cast<uint64_t>(value), 8);
    }
  }
  void integers(at::IntArrayRef values) {
    bytes_ += '(';
    for (const int64_t value : values) integer(value);
    bytes_ += 't';
  }

  std::string bytes_;
};

}  // namespace

void read_torch_zip(std::string_view bytes, const std::string& file, PickledFile* result) {
  const ZipReader zip(bytes, file);
  const std::string folder = folder_of(zip, file);
  if (zip.has(folder + "byteorder") && zip.view(folder + "byteorder") != "little")
    fail_input("{}: was written on a big-endian machine; load it in Python and save it again", file);
  if (zip.has(folder + "constants.pkl"))
    fail_input("{}: is a TorchScript archive; write torch.save(model.state_dict(), file) instead", file);
  std::unordered_map<std::string, at::Tensor> storages;  // several tensors may share one
  const auto load = [&](const pickle::StorageRequest& request) {
    at::Tensor& flat = storages[request.key];
    if (!flat.defined()) {
      const std::string_view data = zip.view(folder + "data/" + request.key);
      const size_t element_bytes = c10::elementSize(request.type);
      if (data.size() / element_bytes < static_cast<size_t>(request.count))
        fail_input("{}: is damaged: storage {} is shorter than it says", file, request.key);
      flat = at::empty({request.count}, at::TensorOptions().dtype(request.type));
      if (flat.nbytes() > 0) std::memcpy(flat.data_ptr(), data.data(), flat.nbytes());
    }
    if (flat.scalar_type() != request.type || flat.numel() != request.count || request.view_count >= 0)
      fail_input("{}: is damaged: storage {} has two types or sizes", file, request.key);
    return pickle::Storage{flat};
  };
  std::string_view program = zip.view(folder + "data.pkl");
  result->root = pickle::unpickle(program, result->arena, file, load);
  result->record = read_record(zip, folder + kRecordEntry, file);
}

void write_torch_zip(const std::filesystem::path& path, const NamedTensors& tensors,
                     const std::map<std::string, std::string>& record) {
  const std::string folder = "archive/";
  StateDictPickle program;
  std::vector<at::Tensor> storages;
  for (const auto& [name, tensor] : tensors) {
    ensure(tensor.defined(), "{}: tensor {} is undefined", path.string(), name);
    storages.push_back(tensor.detach().to(at::kCPU).contiguous());
    program.add(name, storages.back(), storages.size() - 1);
  }
  ZipWriter zip(path);
  zip.add(folder + "data.pkl", program.finish());
  zip.add(folder + ".format_version", "1");
  zip.add(folder + ".storage_alignment", "64");
  zip.add(folder + "byteorder", "little");
  for (size_t i = 0; i < storages.size(); ++i)
    zip.add(fmt::format("{}data/{}", folder, i),
            {static_cast<const char*>(storages[i].data_ptr()), storages[i].nbytes()});
  if (!record.empty()) zip.add(folder + kRecordEntry, nlohmann::json(record).dump(1));
  zip.add(folder + "version", "3\n");
  zip.commit();
}

}  // namespace boxseg
