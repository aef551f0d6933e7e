// NumPy files are read and written byte by byte as NumPy writes them.
#include "common/io/npy.h"

#include "common/base/files.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Makes what numpy.save of version 1.0 writes: the header is padded to a multiple of 64 with its newline.
std::string npy(const std::string& descr, const std::string& order, const std::string& shape, const std::string& data) {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.push_back(static_cast<char>(header.size() & 0xFF));
  bytes.push_back(static_cast<char>(header.size() >> 8));
  return bytes + header + data;
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

TEST_CASE("What is written are the bytes of numpy.save", "[cpu]") {
  const TemporaryDirectory dir;
  const std::vector<float> values = {0, 1, -2.5f, 3, 1e30f, 5};
  write_npy(dir / "a.npy", {{2, 3}, values});
  REQUIRE(read_file(dir / "a.npy") == npy("<f4", "False", "(2, 3)", raw(values)));
  write_npy(dir / "b.npy", {{6}, values});
  REQUIRE(read_file(dir / "b.npy") == npy("<f4", "False", "(6,)", raw(values)));
  write_npy(dir / "c.npy", {{}, {7}});
  REQUIRE(read_file(dir / "c.npy") == npy("<f4", "False", "()", raw(std::vector<float>{7})));
}

TEST_CASE("Arrays of any shape come back, float64 as float32", "[cpu]") {
  const TemporaryDirectory dir;
  for (const auto& shape : std::vector<std::vector<int64_t>>{{}, {1}, {4}, {2, 0, 3}, {2, 3, 4}, {1, 1, 1, 1, 5}}) {
    int64_t count = 1;
    for (const int64_t side : shape) count *= side;
    FloatArray array{shape, {}};
    for (int64_t i = 0; i < count; ++i) array.values.push_back(static_cast<float>(i) + 0.5f);
    write_npy(dir / "a.npy", array);
    const FloatArray back = read_npy(dir / "a.npy");
    REQUIRE(back.shape == array.shape);
    REQUIRE(back.values == array.values);
  }
  write_plain(dir / "f8.npy", npy("<f8", "False", "(2, 1)", raw(std::vector<double>{0.1, -7})));
  const FloatArray wide = read_npy(dir / "f8.npy");
  REQUIRE(wide.shape == std::vector<int64_t>{2, 1});
  REQUIRE(wide.values == std::vector<float>{0.1f, -7});
}

TEST_CASE("Arrays we do not read are refused with what to do", "[cpu]") {
  const TemporaryDirectory dir;
  const auto reading = [&](const std::string& bytes) {
    write_plain(dir / "a.npy", bytes);
    return failure_of([&] { read_npy(dir / "a.npy"); });
  };
  const std::string data = raw(std::vector<float>{1, 2});
  REQUIRE_FALSE(reading(npy("<f4", "False", "(2,)", data)).kind.has_value());
  REQUIRE(reading("no array").mentions("is not a NumPy .npy file"));
  REQUIRE(reading(npy("<i8", "False", "(1,)", data)).mentions("type '<i8', expected '<f4' or '<f8'; of whole numbers"));
  REQUIRE(reading(npy("|u1", "False", "(8,)", data)).mentions("of labels one plane a class"));
  REQUIRE(reading(npy("<f2", "False", "(4,)", data)).mentions("write array.astype('float32')"));
  REQUIRE(reading(npy("|O", "False", "(1,)", data)).mentions("type '|O', expected"));
  REQUIRE(reading(npy(">f4", "False", "(2,)", data)).kind == ErrorKind::bad_input);
  REQUIRE(reading(npy("<f4", "True", "(2, 1)", data)).mentions("ascontiguousarray"));
  REQUIRE(reading(npy("<f4", "False", "(3,)", data)).mentions("cut short"));
  REQUIRE(reading(npy("<f4", "False", "(1,)", data)).kind == ErrorKind::bad_input);
  REQUIRE(reading(npy("<f4", "False", "(-2,)", data)).kind == ErrorKind::bad_input);
  REQUIRE(reading(npy("<f4", "False", "(99999999999, 99999999999)", data)).kind == ErrorKind::bad_input);
  REQUIRE(reading(npy("<f4", "False", "(2", data)).kind == ErrorKind::bad_input);
  REQUIRE(failure_of([&] { read_npy(dir / "absent.npy"); }).kind == ErrorKind::bad_input);
}

TEST_CASE("A shape is read from the header alone", "[cpu]") {
  const TemporaryDirectory dir;
  write_npy(dir / "a.npy", {{2, 1, 3}, {1, 2, 3, 4, 5, 6}});
  REQUIRE(read_npy_shape(dir / "a.npy") == std::vector<int64_t>{2, 1, 3});
  std::filesystem::resize_file(dir / "a.npy", std::filesystem::file_size(dir / "a.npy") - 1);
  REQUIRE(failure_of([&] { read_npy_shape(dir / "a.npy"); }).mentions("cut short"));
}

TEST_CASE("An array file cut at any byte is refused", "[cpu]") {
  const TemporaryDirectory dir;
  write_npy(dir / "a.npy", {{2, 2}, {1, 2, 3, 4}});
  const std::string whole = read_file(dir / "a.npy");
  for (size_t size = 0; size < whole.size(); ++size) {
    write_plain(dir / "cut.npy", std::string_view(whole).substr(0, size));
    INFO("cut to " << size);
    REQUIRE(failure_of([&] { read_npy(dir / "cut.npy"); }).kind == ErrorKind::bad_input);
  }
}
