// SBD's masks are read from files as MATLAB writes them, made here element by element, and from one that another
// program wrote.
#include "common/io/mask.h"

#include <zlib.h>

#include "common/base/files.h"
#include "common/io/label_png.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::string u32(uint32_t value) { return std::string(reinterpret_cast<const char*>(&value), 4); }

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 7) / 8 * 8);
  return bytes;
}

std::string element(uint32_t kind, const std::string& data) {
  return padded(u32(kind) + u32(static_cast<uint32_t>(data.size())) + data);
}
std::string small_element(uint32_t kind, const std::string& data) {
  return padded(u32(kind | static_cast<uint32_t>(data.size()) << 16) + data);
}

std::string array(uint32_t array_class, uint32_t height, uint32_t width, const std::string& name,
                  const std::string& content) {
  return element(14, element(6, u32(array_class) + u32(0)) + element(5, u32(height) + u32(width)) +
                         (name.size() <= 4 && !name.empty() ? small_element(1, name) : element(1, name)) + content);
}

std::string field_name(std::string name) {
  name.resize(32);
  return name;
}

// Makes a struct NAME with a field before Segmentation, as SBD's files have Boundaries.
std::string variable(const std::string& name, const std::string& segmentation,
                     const std::string& field = "Segmentation") {
  const std::string other = array(9, 1, 2, "", small_element(2, "ab"));
  return array(
      2, 1, 1, name,
      small_element(5, u32(32)) + element(1, field_name("Boundaries") + field_name(field)) + other + segmentation);
}

std::string compressed(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
           static_cast<uLong>(bytes.size()));
  packed.resize(size);
  return u32(15) + u32(static_cast<uint32_t>(size)) + packed;
}

std::string header(const std::string& order = "IM") {
  std::string text = "MATLAB 5.0 MAT-file, made by a test";
  text.resize(124, ' ');
  return text + std::string("\0\1", 2) + order;
}

const LabelMap& example() {
  static const LabelMap labels = [] {
    LabelMap map(3, 5);
    for (size_t i = 0; i < map.pixels.size(); ++i) map.pixels[i] = static_cast<uint8_t>(i + 3);
    return map;
  }();
  return labels;
}

std::string columns(const LabelMap& labels) {
  std::string text;
  for (int64_t x = 0; x < labels.width; ++x)
    for (int64_t y = 0; y < labels.height; ++y) text += static_cast<char>(labels.at(y, x));
  return text;
}

std::string example_segmentation() { return array(9, 3, 5, "", element(2, columns(example()))); }

}  // namespace

TEST_CASE("A mask of SBD is read, plain and compressed, whatever stands before it", "[cpu]") {
  const TemporaryDirectory dir;
  const std::string mask = variable("GTcls", example_segmentation()),
                    other = array(9, 1, 2, "x", small_element(2, "ab"));
  for (const std::string& text : {mask, compressed(mask), other + mask, compressed(other) + compressed(mask)}) {
    write_file(dir / "a.mat", header() + text);
    REQUIRE(read_mask(dir / "a.mat") == example());
  }
  write_label_png(dir / "a.png", example());
  REQUIRE(read_mask(dir / "a.png") == example());
}

TEST_CASE("A mask that scipy wrote as SBD's files are is read", "[cpu]") {
  LabelMap expected(5, 7);
  for (int64_t y = 1; y < 4; ++y)
    for (int64_t x = 2; x < 5; ++x) expected.at(y, x) = 8;
  expected.at(4, 6) = 20;
  expected.at(0, 1) = 15;
  REQUIRE(read_mask(fs::path(BOXSEG_SOURCE_DIR) / "tests/io/sbd_by_scipy.mat") == expected);
}

TEST_CASE("Files that hold something else than a mask of SBD say what", "[cpu]") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& text, const std::string& reason) {
    write_plain(dir / "a.mat", text);
    const Failure failure = failure_of([&] { read_mask(dir / "a.mat"); });
    CAPTURE(failure.message);
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE(failure.mentions("a.mat"));
    REQUIRE(failure.mentions(reason));
  };
  REQUIRE(failure_of([&] { read_mask(dir / "absent.mat"); }).mentions("absent.mat: cannot be read"));
  refused("", "no MATLAB 5 file");
  refused("\x89PNG", "no MATLAB 5 file");
  refused("MATLAB 7.3 MAT-file" + header(), "no MATLAB 5 file");
  refused(header("MI"), "little-endian");
  refused(header(), "no struct GTcls");
  refused(header() + variable("GTinst", example_segmentation()), "folder cls");
  refused(header() + array(9, 1, 2, "GTcls", small_element(2, "ab")), "no struct GTcls");
  refused(header() + variable("GTcls", example_segmentation(), "Other"), "no field Segmentation");
  refused(header() + variable("GTcls", array(6, 3, 5, "", element(2, columns(example())))), "class 6");
  refused(header() + variable("GTcls", array(9, 3, 6, "", element(2, columns(example())))), "15 values for 3 x 6");
  refused(header() + variable("GTcls", array(9, 0, 5, "", element(2, ""))), "0 values for 0 x 5");
  refused(header() + variable("GTcls", array(9, 3, 5, "", element(4, columns(example())))), "kind 4");
}

TEST_CASE("Masks of SBD that are cut short or changed are refused by name, or read", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path path = dir / "a.mat";
  const std::string by_scipy = read_file(fs::path(BOXSEG_SOURCE_DIR) / "tests/io/sbd_by_scipy.mat");
  for (const std::string& whole : {header() + variable("GTcls", example_segmentation()), by_scipy}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      write_plain(path, std::string_view(whole).substr(0, size));
      const Failure failure = failure_of([&] { read_mask(path); });
      CAPTURE(size, failure.message);
      REQUIRE((failure.kind == ErrorKind::bad_input && failure.mentions("a.mat")));
    }
    for (size_t at = 0; at < whole.size(); ++at)
      for (const int bits : {1, 0x80, 0xff}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ bits);
        write_plain(path, changed);
        const Failure failure = failure_of([&] { read_mask(path); });
        CAPTURE(at, bits, failure.message);
        REQUIRE((!failure.kind || (*failure.kind == ErrorKind::bad_input && failure.mentions("a.mat"))));
      }
  }
}
