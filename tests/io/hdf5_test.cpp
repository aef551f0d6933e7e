// HDF5 files give back what was written; equal content gives equal bytes, and damage is refused.
#include "common/io/hdf5.h"

#include <hdf5.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <thread>

#include "common/base/files.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

template <class T>
std::vector<T> extremes() {
  using Limits = std::numeric_limits<T>;
  return {Limits::lowest(), Limits::max(), T{0}, T{1}, Limits::min(), T{7}};
}

template <class T>
void write_and_read(const fs::path& path, const std::string& type) {
  const std::vector<T> values = extremes<T>();
  {
    H5Writer file(path);
    file.write<T>("a/b/values", values, {2, 3}, 4);
    file.set_attribute<T>("a/b/values", "one", values[1]);
    file.set_attribute_list<T>("a", "all", values);
    file.close_and_commit();
  }
  const H5Reader file(path);
  INFO(type);
  REQUIRE(file.type_name("a/b/values") == type);
  REQUIRE(file.shape("a/b/values") == Shape{2, 3});
  REQUIRE(file.read<T>("a/b/values") == values);
  REQUIRE(file.attribute<T>("a/b/values", "one") == values[1]);
  REQUIRE(file.attribute_list<T>("a", "all") == values);
}

void write_sample(const fs::path& path) {
  H5Writer file(path);
  std::vector<float> values(100000);
  std::iota(values.begin(), values.end(), 0.5f);
  file.write<float>("maps/one", values, {10, 100, 100}, 1);
  file.write<float>("maps/plain", values);
  file.write_strings("ids", {"2007_000032", "", "with blank/é"});
  file.set_attribute_text("", "program", "test");
  file.close_and_commit();
}

}  // namespace

TEST_CASE("HDF5: every element type comes back with its extremes", "[cpu]") {
  const TemporaryDirectory dir;
  write_and_read<float>(dir / "f32.h5", "float32");
  write_and_read<double>(dir / "f64.h5", "float64");
  write_and_read<int8_t>(dir / "i8.h5", "int8");
  write_and_read<uint8_t>(dir / "u8.h5", "uint8");
  write_and_read<int16_t>(dir / "i16.h5", "int16");
  write_and_read<uint16_t>(dir / "u16.h5", "uint16");
  write_and_read<int32_t>(dir / "i32.h5", "int32");
  write_and_read<uint32_t>(dir / "u32.h5", "uint32");
  write_and_read<int64_t>(dir / "i64.h5", "int64");
  write_and_read<uint64_t>(dir / "u64.h5", "uint64");
}

TEST_CASE("HDF5: text, empty values, groups and long attributes come back", "[cpu]") {
  const TemporaryDirectory dir;
  const std::vector<std::string> texts = {"", "a", "blank at end ", "größer/than\nlines", std::string(3000, 'x')};
  const std::string long_text(200000, 'y');  // beyond the 64 kB of old attributes
  {
    H5Writer file(dir / "a.h5");
    file.write_strings("texts", texts);
    file.write_strings("none", {});
    file.write<float>("empty", std::vector<float>{});
    file.write<double>("no_rows", std::vector<double>{}, {0, 5});
    file.write<int32_t>("scalar", std::vector<int32_t>{42}, Shape{});
    file.make_group("g/deep/er");
    file.make_group("g/deep");
    file.set_attribute_text("g/deep/er", "text", long_text);
    file.set_attribute_text("", "empty", "");
    file.set_attribute_text("", "twice", "first");
    file.set_attribute_text("/", "twice", "second");
    file.set_attribute_list<int64_t>("", "nothing", {});
    file.close_and_commit();
  }
  const H5Reader file(dir / "a.h5");
  REQUIRE(file.read_strings("texts") == texts);
  REQUIRE(file.type_name("texts") == "string");
  REQUIRE(file.read_strings("none").empty());
  REQUIRE(file.read<float>("empty").empty());
  REQUIRE(file.shape("no_rows") == Shape{0, 5});
  REQUIRE(file.shape("scalar").empty());
  REQUIRE(file.read<int64_t>("scalar") == std::vector<int64_t>{42});
  REQUIRE(file.attribute_text("g/deep/er", "text") == long_text);
  REQUIRE(file.attribute_text("", "empty").empty());
  REQUIRE(file.attribute_text("", "twice") == "second");
  REQUIRE(file.attribute_list<int64_t>("", "nothing").empty());
  REQUIRE(file.attribute_names("") == std::vector<std::string>{"empty", "nothing", "twice"});
  REQUIRE(file.children("") == std::vector<std::string>{"empty", "g", "no_rows", "none", "scalar", "texts"});
  REQUIRE(file.is_group("g/deep"));
  REQUIRE_FALSE(file.is_group("texts"));
  REQUIRE(file.has("g/deep/er"));
  REQUIRE_FALSE(file.has("g/shallow/er"));
  REQUIRE_FALSE(file.has_attribute("absent", "x"));
}

TEST_CASE("HDF5: numbers are converted, but neither clipped nor truncated", "[cpu]") {
  const TemporaryDirectory dir;
  {
    H5Writer file(dir / "a.h5");
    file.write<int64_t>("wide", {1, 2, int64_t{1} << 40});
    file.write<int64_t>("small", {1, 2, 3});
    file.write<float>("fractions", {0.5f});
    file.set_attribute<int64_t>("", "wide", int64_t{1} << 40);
    file.set_attribute<double>("", "fraction", 0.5);
    file.close_and_commit();
  }
  const H5Reader file(dir / "a.h5");
  REQUIRE(file.read<uint8_t>("small") == std::vector<uint8_t>{1, 2, 3});
  REQUIRE(file.read<float>("small") == std::vector<float>{1, 2, 3});
  REQUIRE(failure_of([&] { file.read<int32_t>("wide"); }).kind == ErrorKind::bad_input);
  REQUIRE(failure_of([&] { file.read<int64_t>("fractions"); }).kind == ErrorKind::bad_input);
  REQUIRE(failure_of([&] { file.attribute<int32_t>("", "wide"); }).kind == ErrorKind::bad_input);
  REQUIRE(failure_of([&] { file.attribute<int64_t>("", "fraction"); }).kind == ErrorKind::bad_input);
  const Failure absent = failure_of([&] { file.read<float>("absent/x"); });
  REQUIRE(absent.kind == ErrorKind::bad_input);
  REQUIRE(absent.mentions("a.h5: absent/x: not in this file"));
  REQUIRE(failure_of([&] { file.attribute_text("", "absent"); }).mentions("has no attribute 'absent'"));
}

TEST_CASE("HDF5: equal content gives equal bytes at any time", "[cpu]") {
  const TemporaryDirectory dir;
  write_sample(dir / "a.h5");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // time stamps of files count seconds
  write_sample(dir / "b.h5");
  REQUIRE(read_file(dir / "a.h5") == read_file(dir / "b.h5"));
}

TEST_CASE("HDF5: a file that was not committed leaves nothing behind", "[cpu]") {
  const TemporaryDirectory dir;
  {
    H5Writer file(dir / "a.h5");
    file.write<float>("x", {1.f});
  }
  REQUIRE(fs::is_empty(dir.path()));
}

TEST_CASE("HDF5: missing, foreign and cut files are refused", "[cpu]") {
  const TemporaryDirectory dir;
  const auto open = [](const fs::path& path) { return failure_of([&] { H5Reader file(path); }); };
  REQUIRE(open(dir / "absent.h5").kind == ErrorKind::bad_input);
  REQUIRE(open(dir.path()).mentions("is a folder"));
  write_plain(dir / "text.h5", "just text");
  REQUIRE(open(dir / "text.h5").mentions("is not an HDF5 file"));
  write_sample(dir / "whole.h5");
  const std::string whole = read_file(dir / "whole.h5");
  write_plain(dir / "half.h5", whole.substr(0, whole.size() / 2));
  const Failure half = open(dir / "half.h5");
  REQUIRE(half.kind == ErrorKind::bad_input);
  REQUIRE(half.mentions("half.h5: is not whole"));
  write_plain(dir / "short.h5", whole.substr(0, whole.size() - 1));
  REQUIRE(open(dir / "short.h5").kind == ErrorKind::bad_input);
}

TEST_CASE("HDF5: a file that claims more elements than it can hold is refused by name", "[cpu]") {
  const TemporaryDirectory dir;
  const auto claim = [&](hid_t type, std::vector<hsize_t> sides) {
    const hid_t file = H5Fcreate((dir / "claims.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(sides.size()), sides.data(), nullptr);
    const hid_t made = H5Pcreate(H5P_DATASET_CREATE);
    std::vector<hsize_t> chunk;  // as many as an index of chunks may hold
    for (const hsize_t side : sides) chunk.push_back(std::min<hsize_t>(side, sides.size() == 1 ? 1 << 16 : 1 << 10));
    H5Pset_chunk(made, static_cast<int>(chunk.size()), chunk.data());  // no chunk is ever written
    const hid_t data = H5Dcreate2(file, "data", type, space, H5P_DEFAULT, made, H5P_DEFAULT);
    INFO("elements of " << H5Tget_size(type) << " bytes");
    REQUIRE(data >= 0);
    H5Dclose(data), H5Pclose(made), H5Sclose(space), H5Fclose(file);
  };
  const auto refused = [&](const auto& read) {
    const H5Reader file(dir / "claims.h5");
    const Failure failure = failure_of([&] { read(file); });
    INFO(failure.message);
    CHECK(failure.kind == ErrorKind::bad_input);
    CHECK(failure.mentions("claims.h5: data: claims "));
    CHECK(failure.mentions("it is damaged; remove the file"));
  };
  claim(H5T_IEEE_F32LE, {hsize_t{1} << 40});
  refused([](const H5Reader& file) { file.read<float>("data"); });
  claim(H5T_STD_I64LE, {hsize_t{1} << 20, hsize_t{1} << 20});
  refused([](const H5Reader& file) { file.read<int64_t>("data"); });
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  claim(text, {hsize_t{1} << 40});
  refused([](const H5Reader& file) { file.read_strings("data"); });
  const hid_t wide_text = H5Tcopy(H5T_C_S1);
  H5Tset_size(wide_text, 1000);
  claim(wide_text, {hsize_t{1} << 30});
  refused([](const H5Reader& file) { file.read_strings("data"); });
  H5Tclose(text), H5Tclose(wide_text);
  // Zeros compress well, and nothing was written of some: neither is a reason to refuse.
  claim(H5T_IEEE_F32LE, {1 << 16});
  CHECK(H5Reader(dir / "claims.h5").read<float>("data") == std::vector<float>(1 << 16, 0));
  H5Writer zeros(dir / "zeros.h5");
  zeros.write<float>("data", std::vector<float>(8 << 20), {8 << 20}, 9);
  zeros.close_and_commit();
  CHECK(H5Reader(dir / "zeros.h5").read<float>("data").size() == 8 << 20);
}

TEST_CASE("HDF5: a flipped bit in the data is noticed", "[cpu]") {
  const TemporaryDirectory dir;
  write_sample(dir / "a.h5");
  std::string bytes = read_file(dir / "a.h5");
  const float needle = 77777.5f;  // stands plainly in maps/plain
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&needle), sizeof needle));
  REQUIRE(at != std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_plain(dir / "b.h5", bytes);
  const H5Reader file(dir / "b.h5");
  REQUIRE(failure_of([&] { file.read<float>("maps/plain"); }).kind == ErrorKind::bad_input);
  REQUIRE(file.read<float>("maps/one").at(1) == 1.5f);  // the rest is whole
}

TEST_CASE("HDF5: a full disk is an error, and neither a file nor a part of one remains", "[cpu]") {
  const TemporaryDirectory dir;
  {
    const SmallDisk disk(20000);
    const Failure full = failure_of([&] { write_sample(dir / "a.h5"); });
    REQUIRE(full.kind == ErrorKind::failed);
    REQUIRE(full.mentions("a.h5: "));
    REQUIRE(full.mentions(" cannot be written: File too large"));
  }
  REQUIRE(fs::is_empty(dir.path()));
  write_sample(dir / "a.h5");  // the library is still usable
  REQUIRE(H5Reader(dir / "a.h5").has("ids"));
}

TEST_CASE("HDF5: two threads on two files do not disturb each other", "[cpu]") {
  const TemporaryDirectory dir;
  std::vector<std::thread> threads;
  std::array<bool, 4> is_fine{};
  for (size_t t = 0; t < is_fine.size(); ++t)
    threads.emplace_back([&, t] {
      const fs::path path = dir / std::to_string(t);
      write_sample(path);
      is_fine[t] = H5Reader(path).read<float>("maps/plain").at(9) == 9.5f && !H5Reader(path).has("absent");
    });
  for (auto& thread : threads) thread.join();
  for (const bool fine : is_fine) REQUIRE(fine);
}

TEST_CASE("HDF5: a file that another process holds locked can be read", "[cpu]") {
  const TemporaryDirectory dir;
  write_sample(dir / "a.h5");
  const CommandResult result = run_command("command -v flock");
  if (result.exit_code != 0) return skip("no flock command");
  const std::string ready = (dir / "ready").string();
  std::thread holder(
      [&] { run_command(fmt::format("flock -x '{}' sh -c 'touch \"{}\"; sleep 2'", (dir / "a.h5").string(), ready)); });
  for (int i = 0; i < 100 && !fs::exists(ready); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const bool was_held = fs::exists(ready);
  const Failure failure = failure_of([&] { REQUIRE(H5Reader(dir / "a.h5").has("ids")); });
  holder.join();
  REQUIRE(was_held);
  REQUIRE_FALSE(failure.kind.has_value());
}
