// Our checkpoints come back and are read by Python; damaged and hostile files are refused.
#include "common/io/checkpoint/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <cstdlib>
#include <thread>

#include "common/base/files.h"
#include "common/base/text.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

Checkpoint sample() {
  Checkpoint c;
  const at::Tensor numbers = at::arange(24, at::kFloat).view({2, 3, 4});
  c.tensors = {{"conv1.weight", numbers.clone()},
               {"transposed view", numbers.transpose(0, 2)},
               {"part of a storage", numbers.select(0, 1)},
               {"expanded", at::full({1}, 7, at::kFloat).expand({3})},
               {"scalar", at::full({}, -0.0, at::kFloat)},
               {"empty", at::empty({0, 3}, at::kFloat)},
               {"nan", at::full({2}, NAN, at::kFloat)},
               {"f64", at::full({1}, 1e300, at::kDouble)},
               {"f16", at::full({3}, 0.5, at::kHalf)},
               {"bf16", at::full({3}, 0.5, at::kBFloat16)},
               {"i64", at::full({1}, int64_t{1} << 60, at::kLong)},
               {"i32", at::full({1}, -5, at::kInt)},
               {"i16", at::full({1}, -5, at::kShort)},
               {"i8", at::full({1}, -5, at::kChar)},
               {"u8", at::full({1}, 250, at::kByte)},
               {"bool", at::full({2}, true, at::kBool)},
               {"größe/with a slash", at::full({300, 1}, 2, at::kFloat)}};
  c.record = {{"backbone", "vgg16"}, {"classes", "[\"background\",\"Köln \\\"x\\\"\"]"}, {"empty", ""}};
  return c;
}

std::string bits_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  return {static_cast<const char*>(values.data_ptr()), values.nbytes()};
}

void require_equal(const Checkpoint& a, const Checkpoint& b) {
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    INFO(a.tensors[i].first);
    REQUIRE(a.tensors[i].first == b.tensors[i].first);
    REQUIRE(a.tensors[i].second.sizes() == b.tensors[i].second.sizes());
    REQUIRE(a.tensors[i].second.scalar_type() == b.tensors[i].second.scalar_type());
    REQUIRE(bits_of(a.tensors[i].second) == bits_of(b.tensors[i].second));
  }
  REQUIRE(a.record == b.record);
}

std::string python_name(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return "float64";
    case at::kHalf:
      return "float16";
    case at::kBFloat16:
      return "bfloat16";
    case at::kLong:
      return "int64";
    case at::kInt:
      return "int32";
    case at::kShort:
      return "int16";
    case at::kChar:
      return "int8";
    case at::kByte:
      return "uint8";
    case at::kBool:
      return "bool";
    default:
      return "float32";
  }
}

// Returns what read_state_dict.py prints of the checkpoint when Python reads it right.
std::string python_listing(const Checkpoint& checkpoint) {
  std::string text;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const std::string bits = bits_of(tensor);
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bits.data()), bits.size());
    text += fmt::format("{}|{}|{}|{:08x}\n", name, python_name(tensor.scalar_type()),
                        fmt::join(tensor.sizes().begin(), tensor.sizes().end(), ","), crc);
  }
  return text;
}

CommandResult read_in_python(const std::string& python, const std::string& how, const fs::path& path) {
  return run_command(fmt::format("PYTHONUTF8=1 '{}' -W ignore '{}/tests/io/read_state_dict.py' {} '{}'", python,
                                 BOXSEG_SOURCE_DIR, how, path.string()));
}

// Makes a stored zip of one pickle, as torch.save lays it out; it is enough for what must be refused before its
// tensors.
std::string zip_of(const std::string& pickle) {
  const TemporaryDirectory dir;
  Checkpoint c;
  c.tensors = {{std::string(4000, 'x'), at::zeros({1}, at::kFloat)}};  // a name as long as any pickle of these tests
  write_checkpoint(dir / "a.pt", c);
  std::string bytes = read_file(dir / "a.pt");
  // The first entry is data.pkl. The pickle is put in its place, padded, with its new checksum in both headers.
  const size_t name_at = bytes.find("archive/data.pkl");
  const size_t data_at = name_at + 16 + 4 + static_cast<uint8_t>(bytes[name_at + 18]);  // after the padding field
  uint32_t size = 0;
  std::memcpy(&size, bytes.data() + 18, 4);
  const std::string padded = pickle + std::string(size - pickle.size(), '.');
  bytes.replace(data_at, size, padded);
  const auto crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(padded.data()), padded.size()));
  std::memcpy(bytes.data() + 14, &crc, 4);
  std::memcpy(bytes.data() + bytes.rfind("archive/data.pkl") - 46 + 16, &crc, 4);
  return bytes;
}

// Make pickles of a text, of a tensor of the one number in the zip above ("" or "K\x01": no axis or one), and of a
// dict.
std::string text(const std::string& value) {
  std::string size(4, '\0');
  const auto length = static_cast<uint32_t>(value.size());
  std::memcpy(size.data(), &length, 4);
  return "X" + size + value;
}
std::string tensor(const std::string& side = "K\x01") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") +
         text("cpu") + "K\x01tQK" + std::string(1, '\0') + "(" + side + "t(" + side +
         "t\x89"
         "ccollections\nOrderedDict\n)RtR";
}
std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string pickle = "}(";
  for (const auto& [key, value] : items) pickle += text(key) + value;
  return pickle + "u";
}

using Names = std::vector<std::string>;

Names names_in(const fs::path& path) {
  Names names;
  for (const auto& [name, value] : read_checkpoint(path).tensors) names.push_back(name);
  return names;
}

// Returns what is read of a checkpoint of tensors of these names.
Names names_read_back(const Names& written) {
  const TemporaryDirectory dir;
  Checkpoint c;
  for (const auto& name : written) c.tensors.emplace_back(name, at::zeros({1}, at::kFloat));
  write_checkpoint(dir / "a.pt", c);
  return names_in(dir / "a.pt");
}

Failure reading(const fs::path& path) {
  return failure_of([&] { read_checkpoint(path); });
}

}  // namespace

TEST_CASE("A checkpoint comes back with its record: every type, view and name", "[cpu]") {
  const TemporaryDirectory dir;
  write_checkpoint(dir / "a.pt", sample());
  require_equal(read_checkpoint(dir / "a.pt"), sample());
  write_checkpoint(dir / "none.pt", {});
  REQUIRE(read_checkpoint(dir / "none.pt").tensors.empty());
}

TEST_CASE("Equal checkpoints have equal bytes, at any time and under any name", "[cpu]") {
  const TemporaryDirectory dir;
  write_checkpoint(dir / "a.pt", sample());
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // zip times count two seconds
  write_checkpoint(dir / "other.pth", sample());
  REQUIRE(read_file(dir / "a.pt") == read_file(dir / "other.pth"));
}

TEST_CASE("Python reads what we write", "[cpu]") {
  if (run_command("python3 -c 'import pickle, zipfile'").exit_code != 0) return skip("no python3");
  const TemporaryDirectory dir;
  write_checkpoint(dir / "a.pt", sample());
  const auto require_read = [&](const std::string& python, const std::string& how) {
    const CommandResult result = read_in_python(python, how, dir / "a.pt");
    INFO(how << ": " << result.err);
    REQUIRE(result.exit_code == 0);
    REQUIRE(result.out == python_listing(sample()));
  };
  require_read("python3", "plain");
  PYTHON_OR_SKIP(python);
  require_read(python, "torch");
}

TEST_CASE("A checkpoint cut anywhere is refused", "[cpu]") {
  const TemporaryDirectory dir;
  write_checkpoint(dir / "a.pt", sample());
  const std::string whole = read_file(dir / "a.pt");
  for (size_t size = 0; size < whole.size(); size += 7) {
    write_plain(dir / "cut.pt", std::string_view(whole).substr(0, size));
    INFO("cut to " << size);
    const Failure failure = reading(dir / "cut.pt");
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE(failure.mentions("cut.pt: "));
  }
}

TEST_CASE("A changed byte in a checkpoint never changes what is read in silence", "[cpu]") {
  const TemporaryDirectory dir;
  write_checkpoint(dir / "a.pt", sample());
  const std::string whole = read_file(dir / "a.pt"), digest = digest_of_checkpoint(sample());
  Checkpoint without_record = sample();  // a changed name hides the record's entry
  without_record.record.clear();
  const std::string digest_without = digest_of_checkpoint(without_record);
  int64_t refused = 0;
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x21);
    write_plain(dir / "changed.pt", changed);
    INFO("changed at " << at);
    Checkpoint read;
    const Failure failure = failure_of([&] { read = read_checkpoint(dir / "changed.pt"); });
    if (failure.kind.has_value()) {
      REQUIRE(failure.kind == ErrorKind::bad_input);
      ++refused;
      // This byte is padding, a time, or part of a name of an entry that does not matter.
    } else {
      const std::string now = digest_of_checkpoint(read);
      REQUIRE((now == digest || now == digest_without));
    }
  }
  REQUIRE(refused > 1000);
}

TEST_CASE("A pickle that asks for anything but tensors is refused by name", "[cpu]") {
  const TemporaryDirectory dir;
  const auto refusal = [&](const std::string& pickle) {
    write_plain(dir / "a.pt", zip_of(pickle));
    const Failure failure = reading(dir / "a.pt");
    REQUIRE(failure.kind == ErrorKind::bad_input);
    return failure.message;
  };
  const std::string marker = (dir / "pwned").string();
  const std::string command = "touch '" + marker + "'";
  const std::string length(1, static_cast<char>(command.size()));
  REQUIRE_THAT(refusal("\x80\x02"
                       "cos\nsystem\nU" +
                       length + command + "\x85R."),
               Contains("os.system"));
  REQUIRE_THAT(refusal("\x80\x04\x8c\x08"
                       "builtins\x8c\x04"
                       "eval\x93."),
               Contains("builtins.eval"));
  REQUIRE_THAT(refusal("\x80\x02"
                       "ctorch.nn.modules.linear\nLinear\n)\x81."),
               Contains("torch.nn.modules.linear.Linear"));
  REQUIRE_THAT(refusal("\x80\x02"
                       "ctorch\nComplexFloatStorage\n."),
               Contains("not supported"));
  REQUIRE_THAT(refusal("(S'x'\nios\nsystem\n."), Contains("not supported"));  // INST is of protocol 0
  REQUIRE_FALSE(fs::exists(marker));
}

TEST_CASE("Pickles that make no sense are refused, however deep", "[cpu]") {
  const TemporaryDirectory dir;
  const std::vector<std::string> programs = {
      "\x80\x02.",   "\x80\x02t.",  "\x80\x02]u.", "\x80\x02}a.", "\x80\x02h\x05.",
      "\x80\x02)R.", "\x80\x02(Q.", "\x80\x09N.",  "N.",          "]."};
  for (const std::string& program : programs) {
    write_plain(dir / "a.pt", zip_of(program));
    INFO(program);
    REQUIRE(reading(dir / "a.pt").kind == ErrorKind::bad_input);
  }
  // A list in a list in a list, a million deep, in a file of the old format, causes neither a crash nor a hang.
  std::string deep = "\x80\x02";
  deep.append(1000000, ']').append(999999, 'a').append(".");
  write_plain(dir / "deep.pt", deep);
  REQUIRE(reading(dir / "deep.pt").kind == ErrorKind::bad_input);
  write_plain(dir / "self.pt", "\x80\x02]q" + std::string(1, '\0') + "h" + std::string(1, '\0') + "a.");
  REQUIRE(reading(dir / "self.pt").kind == ErrorKind::bad_input);
}

TEST_CASE("A tensor that does not fit its storage is refused, whatever its numbers", "[cpu]") {
  const TemporaryDirectory dir;
  const auto text = [](const std::string& word) {
    return "X" + std::string(1, static_cast<char>(word.size())) + std::string(3, '\0') + word;
  };
  const auto number = [](int64_t value) {
    return std::string("\x8a\x08") + std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  // The storage has one float; `count`, `offset`, `size` and `stride` are what the pickle claims.
  const auto write = [&](int64_t count, int64_t offset, int64_t size, int64_t stride) {
    const std::string storage = text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(count);
    const std::string head = "\x80\x02}" + text("x") + "ctorch._utils\n_rebuild_tensor_v2\n((" + storage + "tQ";
    write_plain(dir / "a.pt", zip_of(head + number(offset) + number(size) + "\x85" + number(stride) + "\x85\x89NtRs."));
  };
  write(1, 0, 1, 1);
  REQUIRE(read_checkpoint(dir / "a.pt").tensors.at(0).second.numel() == 1);
  write(1, 0, 3, 0);  // expanded: stride 0
  REQUIRE(read_checkpoint(dir / "a.pt").tensors.at(0).second.numel() == 3);
  write(1, 5, 0, 1);  // empty: its offset does not matter
  REQUIRE(read_checkpoint(dir / "a.pt").tensors.at(0).second.numel() == 0);
  const std::vector<std::array<int64_t, 4>> claims = {{1, 0, 2, 1},         {1, 1, 1, 1},
                                                      {1, 0, 2, 1000},      {1, -1, 1, 1},
                                                      {1, 0, -1, 1},        {1, 0, 2, -1},
                                                      {2, 0, 1, 1},         {-1, 0, 1, 1},
                                                      {INT64_MAX, 0, 1, 1}, {1, INT64_MAX, 1, 1},
                                                      {1, 0, INT64_MAX, 1}, {1, 0, INT64_MAX, 0},
                                                      {1, 0, 2, INT64_MAX}, {1, INT64_MAX, 2, INT64_MAX}};
  for (const auto& [count, offset, size, stride] : claims) {
    write(count, offset, size, stride);
    INFO(count << " " << offset << " " << size << " " << stride);
    REQUIRE(reading(dir / "a.pt").kind == ErrorKind::bad_input);
  }
}

TEST_CASE("What is no checkpoint is refused with a hint", "[cpu]") {
  const TemporaryDirectory dir;
  REQUIRE(reading(dir / "absent.pt").mentions("absent.pt: cannot be read: No such file"));
  REQUIRE(reading(dir.path()).mentions("not a regular file"));
  write_plain(dir / "empty.pt", "");
  REQUIRE(reading(dir / "empty.pt").mentions("is empty"));
  write_plain(dir / "page.pt", "<html>404</html>");
  REQUIRE(reading(dir / "page.pt").mentions("no file of network weights"));
  write_plain(dir / "lfs.pt", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  REQUIRE(reading(dir / "lfs.pt").mentions("git lfs pull"));
}

TEST_CASE("Weights are found where training scripts put them", "[cpu]") {
  const TemporaryDirectory dir;
  const auto write = [&](const std::string& pickle) {
    write_plain(dir / "a.pt", zip_of("\x80\x02" + pickle + "."));
    return dir / "a.pt";
  };
  const auto names = [&](const std::string& pickle) { return names_in(write(pickle)); };
  const std::string weights = dict({{"a", tensor()}, {"b", tensor()}}), other = dict({{"c", tensor()}});
  for (const char* key : {"state_dict", "model_state_dict", "model_state", "model", "network", "net"}) {
    INFO(key);
    REQUIRE(names(dict({{"epoch", "K\x05"}, {key, weights}})) == Names{"a", "b"});
  }
  REQUIRE(names(weights) == Names{"a", "b"});
  // PyTorch's ImageNet example keeps the best accuracy as a tensor.
  REQUIRE(names(dict({{"best_acc1", tensor("")}, {"state_dict", weights}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"best", tensor()}, {"model", weights}, {"ema", other}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"model", dict({{"state_dict", weights}, {"count", tensor()}})}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"state_dict", "K\x01"}, {"model", weights}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"temperature", tensor("")}})) == Names{"temperature"});

  const Failure two = reading(write(dict({{"generator", weights}, {"critic", other}, {"step", tensor("")}})));
  REQUIRE(two.kind == ErrorKind::bad_input);
  REQUIRE(two.mentions("a.pt: holds dicts of tensors under generator, critic, none of which is a usual name"));
  REQUIRE(two.mentions("['generator']"));
  REQUIRE(reading(write(dict({{"epoch", "K\x05"}}))).mentions("holds no tensors, neither at its top nor under"));
}

TEST_CASE("What torch.compile puts into names goes wherever it stands", "[cpu]") {
  const auto& names = names_read_back;
  REQUIRE(names({"_orig_mod.a.weight", "_orig_mod.b"}) == Names{"a.weight", "b"});
  REQUIRE(names({"_orig_mod.module.a", "_orig_mod.module.b"}) == Names{"a", "b"});
  REQUIRE(names({"module._orig_mod.a", "module._orig_mod.b"}) == Names{"a", "b"});
  REQUIRE(names({"backbone._orig_mod.a", "classifier.b"}) == Names{"backbone.a", "classifier.b"});
  REQUIRE(names({"model.a", "model.b"}) == Names{"a", "b"});
}

TEST_CASE("A damaged safetensors header is refused with the file, what is wrong and the way out", "[cpu]") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& header) {
    std::string size(8, '\0');
    const uint64_t length = header.size();
    std::memcpy(size.data(), &length, 8);
    write_plain(dir / "a.safetensors", size + header + std::string(64, '\0'));
    return reading(dir / "a.safetensors");
  };
  for (const std::string header : {"{\"a\":", "{\"a\xff\xfe\": 1}", "{]"}) {
    const Failure failure = refused(header);
    INFO(failure.message);
    REQUIRE(failure.mentions("a.safetensors: is damaged, or no safetensors file: its header is no JSON from byte "));
    REQUIRE(failure.mentions("fetch the file again"));
    REQUIRE_FALSE(failure.mentions("json.exception"));
  }
  REQUIRE(
      refused("{\"a\": {\"dtype\": \"F32\"}}").mentions("its header lacks dtype, shape or data_offsets of a tensor"));
  REQUIRE(refused("{\"a\": 3}").mentions("its header lacks"));
}

TEST_CASE("Prefixes go only when every name has them", "[cpu]") {
  const auto& names = names_read_back;
  REQUIRE(names({"module.a.weight", "module.b"}) == Names{"a.weight", "b"});
  REQUIRE(names({"module.base.a", "module.base.b"}) == Names{"a", "b"});
  REQUIRE(names({"base.a", "b"}) == Names{"base.a", "b"});
  REQUIRE(names({"module.a", "modules.b"}) == Names{"module.a", "modules.b"});
  REQUIRE(names({"module."}) == Names{"module."});
}

TEST_CASE("The digest of a checkpoint is of names, types, shapes, values and the record", "[cpu]") {
  const std::string before = digest_of_checkpoint(sample());
  const auto after = [](const auto& change) {
    Checkpoint c = sample();
    change(c);
    return digest_of_checkpoint(c);
  };
  REQUIRE(after([](Checkpoint& c) { c.tensors[1].second = c.tensors[1].second.contiguous(); }) == before);
  REQUIRE(after([](Checkpoint& c) { c.tensors[0].first += "x"; }) != before);
  REQUIRE(after([](Checkpoint& c) { c.tensors[0].second = c.tensors[0].second.view({6, 4}); }) != before);
  REQUIRE(after([](Checkpoint& c) { c.tensors[0].second[1][2][3] += 1; }) != before);
  REQUIRE(after([](Checkpoint& c) { c.tensors[8].second = c.tensors[8].second.view(at::kShort); }) != before);
  REQUIRE(after([](Checkpoint& c) { std::swap(c.tensors[0], c.tensors[1]); }) != before);
  REQUIRE(after([](Checkpoint& c) { c.record["backbone"] = "tiny"; }) != before);
}

TEST_CASE("Writing refuses what no state_dict can hold, and a full disk, and leaves nothing", "[cpu]") {
  const TemporaryDirectory dir;
  Checkpoint twice;
  twice.tensors = {{"a", at::zeros({1}, at::kFloat)}, {"a", at::zeros({1}, at::kFloat)}};
  REQUIRE(failure_of([&] { write_checkpoint(dir / "a.pt", twice); }).mentions("used twice"));
  Checkpoint complex;
  complex.tensors = {{"a", at::zeros({1}, at::kComplexFloat)}};
  REQUIRE(failure_of([&] { write_checkpoint(dir / "a.pt", complex); }).mentions("cannot be written"));
  {
    const SmallDisk disk(3000);
    const Failure full = failure_of([&] { write_checkpoint(dir / "a.pt", sample()); });
    REQUIRE(full.kind == ErrorKind::failed);
    REQUIRE(full.mentions("a.pt: cannot be written: File too large"));
  }
  REQUIRE(fs::is_empty(dir.path()));
}
