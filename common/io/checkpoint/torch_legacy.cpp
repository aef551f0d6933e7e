#include <cstring>
#include <unordered_map>

#include "common/base/error.h"
#include "common/io/checkpoint/formats.h"

namespace boxseg {
namespace {

const std::string kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr int64_t kProtocol = 1001;

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  fail_input("{}: is damaged or not a file of torch.save: {}", file, why);
}

}  // namespace

// Reads a file that holds five pickles (magic number, protocol, properties of the machine, the object, the keys of its
// storages) and then the storages in the order of the keys, each as element count and bytes.
void read_torch_legacy(std::string_view bytes, const std::string& file, PickledFile* result) {
  const size_t file_bytes = bytes.size();
  pickle::Arena& arena = result->arena;
  const pickle::LoadStorage none = [&](const pickle::StorageRequest&) -> pickle::Storage {
    refuse(file, "a storage in its header");
  };
  const pickle::Value magic = pickle::unpickle(bytes, arena, file, none);
  if (magic.get<std::string>() == nullptr || *magic.get<std::string>() != kMagic)
    refuse(file, "it does not begin as one");
  const pickle::Value protocol = pickle::unpickle(bytes, arena, file, none);
  if (protocol.get<int64_t>() == nullptr || *protocol.get<int64_t>() != kProtocol) refuse(file, "an unknown protocol");
  const pickle::Value machine = pickle::unpickle(bytes, arena, file, none);
  const pickle::Value* little = machine.find("little_endian");
  if (little != nullptr && little->get<bool>() != nullptr && !*little->get<bool>())
    fail_input("{}: was written on a big-endian machine; load it in Python and save it again", file);

  std::unordered_map<std::string, at::Tensor> storages;
  size_t promised_bytes = 0;
  result->root = pickle::unpickle(bytes, arena, file, [&](const pickle::StorageRequest& request) {
    at::Tensor& flat = storages[request.key];
    if (!flat.defined()) {
      // In a whole file all storages together fit into it.
      size_t size = 0;
      if (__builtin_mul_overflow(static_cast<size_t>(request.count), c10::elementSize(request.type), &size) ||
          __builtin_add_overflow(promised_bytes, size, &promised_bytes) || promised_bytes > file_bytes)
        refuse(file, "its tensors are larger than the file: it is cut short");
      flat = at::empty({request.count}, at::TensorOptions().dtype(request.type));
    }
    if (flat.scalar_type() != request.type) refuse(file, fmt::format("storage {} has two types", request.key));
    if (request.view_count < 0) return pickle::Storage{flat};
    if (request.view_offset < 0 || request.view_offset > flat.numel() ||
        request.view_count > flat.numel() - request.view_offset)
      refuse(file, fmt::format("a view reaches past storage {}", request.key));
    return pickle::Storage{flat.narrow(0, request.view_offset, request.view_count)};
  });

  const pickle::Value keys = pickle::unpickle(bytes, arena, file, none);
  if (keys.list() == nullptr || keys.list()->size() != storages.size())
    refuse(file, "its list of storages is not whole");
  for (const pickle::Value& key : *keys.list()) {
    const auto* name = key.get<std::string>();
    const auto found = name != nullptr ? storages.find(*name) : storages.end();
    if (found == storages.end()) refuse(file, "its list of storages names one that no tensor uses");
    const at::Tensor& flat = found->second;
    int64_t count = 0;
    if (bytes.size() < sizeof count) refuse(file, "it ends early");
    std::memcpy(&count, bytes.data(), sizeof count);
    bytes.remove_prefix(sizeof count);
    if (count != flat.numel()) refuse(file, fmt::format("storage {} has another size than it says", *name));
    if (bytes.size() < flat.nbytes()) refuse(file, "it ends early");
    if (flat.nbytes() > 0) std::memcpy(flat.data_ptr(), bytes.data(), flat.nbytes());
    bytes.remove_prefix(flat.nbytes());
  }
}

}  // namespace boxseg
