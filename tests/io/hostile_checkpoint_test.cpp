// Files that are no checkpoint, or that ask for more than tensors, are refused.
#include <ATen/ATen.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/io/checkpoint/checkpoint.h"
#include "tests/io/damage.h"
#include "tests/io/foreign_checkpoint.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

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
