// Python wrote the golden checkpoint files; every tensor's name, type, shape and bits are compared.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "common/base/files.h"
#include "common/io/checkpoint/checkpoint.h"
#include "common/io/hdf5.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::vector<std::string> kFormats = {"state_dict_zip.pt", "state_dict_legacy.pt", "checkpoint_nested.pt",
                                           "weights.safetensors"};

struct TypeInFile {
  const char* name;
  at::ScalarType type;
};

at::ScalarType type_of(const std::string& name) {
  constexpr TypeInFile kTypes[] = {{"float32", at::kFloat},     {"float64", at::kDouble}, {"float16", at::kHalf},
                                   {"bfloat16", at::kBFloat16}, {"int64", at::kLong},     {"int32", at::kInt},
                                   {"int16", at::kShort},       {"int8", at::kChar},      {"uint8", at::kByte},
                                   {"bool", at::kBool}};
  for (const auto& entry : kTypes)
    if (name == entry.name) return entry.type;
  fail("type {}", name);
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Returns the bytes of a dataset as they stand in memory.
std::string bits_in_file(const H5Reader& file, const std::string& dataset) {
  const std::string type = file.type_name(dataset);
  if (type == "float32") return raw(file.read<float>(dataset));
  if (type == "float64") return raw(file.read<double>(dataset));
  if (type == "int64") return raw(file.read<int64_t>(dataset));
  if (type == "int32") return raw(file.read<int32_t>(dataset));
  if (type == "int16") return raw(file.read<int16_t>(dataset));
  if (type == "uint16") return raw(file.read<uint16_t>(dataset));
  if (type == "int8") return raw(file.read<int8_t>(dataset));
  if (type == "uint8") return raw(file.read<uint8_t>(dataset));
  fail("type {}", type);
}

std::string bits_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  return {static_cast<const char*>(values.data_ptr()), values.nbytes()};
}

void require_golden(const fs::path& shared, const std::string& name, bool is_in_order, const std::string& prefix = "") {
  const H5Reader file(shared / "golden/checkpoints.h5");
  const Checkpoint checkpoint = read_checkpoint(shared / "golden" / name);
  const auto datasets = file.children(name);
  REQUIRE(datasets.size() >= 9);
  REQUIRE(checkpoint.tensors.size() == datasets.size());
  REQUIRE(checkpoint.record.empty());
  for (size_t i = 0; i < datasets.size(); ++i) {
    const std::string dataset = name + "/" + datasets[i];
    std::string key = file.attribute_text(dataset, "name");
    REQUIRE(key.substr(0, prefix.size()) == prefix);
    key.erase(0, prefix.size());
    INFO(name << ": " << key);
    const auto found = std::find_if(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                                    [&](const auto& named) { return named.first == key; });
    REQUIRE(found != checkpoint.tensors.end());
    if (is_in_order) REQUIRE(found - checkpoint.tensors.begin() == static_cast<ptrdiff_t>(i));
    const at::Tensor& tensor = found->second;
    REQUIRE(tensor.scalar_type() == type_of(file.attribute_text(dataset, "dtype")));
    REQUIRE(tensor.sizes().vec() == file.attribute_list<int64_t>(dataset, "shape"));
    REQUIRE(bits_of(tensor) == bits_in_file(file, dataset));
  }
}

}  // namespace

TEST_CASE("Golden checkpoints are read bit for bit: zip, legacy, nested, prefixed, safetensors", "[golden]") {
  SHARED_OR_SKIP(shared);
  require_golden(shared, "state_dict_zip.pt", true);
  require_golden(shared, "state_dict_legacy.pt", true);
  require_golden(shared, "checkpoint_nested.pt", true);
  require_golden(shared, "module_prefixed.pt", true, "module.");
  require_golden(shared, "weights.safetensors", false);
}

TEST_CASE("The golden state_dict is the same from both formats, and after we wrote it", "[golden]") {
  SHARED_OR_SKIP(shared);
  const TemporaryDirectory dir;
  const Checkpoint read = read_checkpoint(shared / "golden/state_dict_zip.pt");
  write_checkpoint(dir / "again.pt", read);
  const Checkpoint again = read_checkpoint(dir / "again.pt");
  REQUIRE(digest_of_checkpoint(again) == digest_of_checkpoint(read));
  REQUIRE(digest_of_checkpoint(read_checkpoint(shared / "golden/state_dict_legacy.pt")) == digest_of_checkpoint(read));
}

TEST_CASE("evil.pt is refused, its global named, and nothing is executed", "[golden]") {
  SHARED_OR_SKIP(shared);
  const TemporaryDirectory dir;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());  // its command would leave a file in the current folder
  const Failure failure = failure_of([&] { read_checkpoint(shared / "golden/evil.pt"); });
  fs::current_path(before);
  REQUIRE(failure.kind == ErrorKind::bad_input);
  REQUIRE(failure.mentions("evil.pt"));
  REQUIRE(failure.mentions("posix.system"));
  REQUIRE(fs::is_empty(dir.path()));
}

TEST_CASE("Golden checkpoints cut anywhere are refused", "[golden]") {
  SHARED_OR_SKIP(shared);
  const TemporaryDirectory dir;
  for (const std::string& name : kFormats) {
    const std::string whole = read_file(shared / "golden" / name);
    for (size_t size = 0; size < whole.size(); size += 11) {
      write_plain(dir / "cut", std::string_view(whole).substr(0, size));
      INFO(name << " cut to " << size << " of " << whole.size());
      REQUIRE(failure_of([&] { read_checkpoint(dir / "cut"); }).kind == ErrorKind::bad_input);
    }
  }
}

TEST_CASE("Golden checkpoints with a changed byte are read or refused, never worse", "[golden]") {
  SHARED_OR_SKIP(shared);
  const TemporaryDirectory dir;
  for (const std::string& name : kFormats) {
    const std::string whole = read_file(shared / "golden" / name);
    const bool has_checksums = name == "state_dict_zip.pt";
    const std::string digest = digest_of_checkpoint(read_checkpoint(shared / "golden" / name));
    for (size_t at = 0; at < whole.size(); at += 5)
      for (const char flip : {1, 0x55}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ flip);
        write_plain(dir / "changed", changed);
        INFO(name << " changed at " << at);
        std::string now = digest;
        const Failure failure = failure_of([&] {
          const Checkpoint read = read_checkpoint(dir / "changed");
          if (has_checksums) now = digest_of_checkpoint(read);
        });
        if (failure.kind.has_value())
          REQUIRE(failure.kind == ErrorKind::bad_input);
        else
          REQUIRE(now == digest);
      }
  }
}
