// Our checkpoints come back and are read by Python; damaged ones are refused.
#include "common/io/checkpoint/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <cstdlib>
#include <thread>

#include "common/base/files.h"
#include "common/base/text.h"
#include "tests/io/damage.h"
#include "tests/io/foreign_checkpoint.h"
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
