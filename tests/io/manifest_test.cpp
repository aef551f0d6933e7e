// Manifests are read and written, and `prepare show` prints them as text.
#include "common/io/manifest.h"

#include "common/base/files.h"
#include "common/io/hdf5.h"
#include "common/io/show.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

Manifest sample() {
  Manifest m;
  m.program = "stage2_pseudolabel";
  m.version = "0.1.0";
  m.fingerprint = "7";
  m.options = {{"threshold", "0.99"}, {"empty", ""}, {"bilateral", "4,55,3"}};
  m.inputs = {{"dataset", digest_of("d")}, {"checkpoint", digest_of("c")}};
  m.outputs = {{"Y_crf/2007 000032.png", 1234, digest_of("1")},
               {"Y_crf/zwölf/a.png", int64_t{1} << 40, digest_of("2")}};
  m.device = "cpu";
  m.threads = 2;
  m.seed = -1;
  m.wall_time_s = 12.25;
  m.facts = {{"clipped boxes", "3"}, {"command", "stage2_pseudolabel --dataset d.h5"}};
  return m;
}

}  // namespace

TEST_CASE("A manifest comes back whole", "[cpu]") {
  const TemporaryDirectory dir;
  const Manifest written = sample();
  write_manifest(dir / "manifest.h5", written);
  const Manifest m = read_manifest(dir / "manifest.h5");
  REQUIRE(m.program == written.program);
  REQUIRE(m.version == written.version);
  REQUIRE(m.fingerprint == written.fingerprint);
  REQUIRE(m.options == written.options);
  REQUIRE(m.inputs == written.inputs);
  REQUIRE(m.facts == written.facts);
  REQUIRE(m.device == written.device);
  REQUIRE(m.threads == 2);
  REQUIRE(m.seed == -1);
  REQUIRE(m.wall_time_s == 12.25);
  REQUIRE(m.outputs.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    REQUIRE(m.outputs[i].path == written.outputs[i].path);
    REQUIRE(m.outputs[i].size_bytes == written.outputs[i].size_bytes);
    REQUIRE(m.outputs[i].digest == written.outputs[i].digest);
  }
  REQUIRE(m.digest() == written.digest());
}

TEST_CASE("A manifest without outputs, options or facts comes back", "[cpu]") {
  const TemporaryDirectory dir;
  Manifest m;
  m.program = "prepare";
  write_manifest(dir / "manifest.h5", m);
  REQUIRE(read_manifest(dir / "manifest.h5").digest() == m.digest());
}

TEST_CASE("A manifest's digest follows what decides the outputs, and nothing else", "[cpu]") {
  const Digest before = sample().digest();
  const auto after = [](const auto& change) {
    Manifest m = sample();
    change(m);
    return m.digest();
  };
  REQUIRE(after([](Manifest& m) {
            m.device = "cuda";
            m.threads = 9;
            m.wall_time_s = 1;
            m.facts.clear();
          }) == before);
  REQUIRE(after([](Manifest& m) { m.program = "x"; }) != before);
  REQUIRE(after([](Manifest& m) { m.fingerprint = "8"; }) != before);
  REQUIRE(after([](Manifest& m) { m.options["threshold"] = "0.9"; }) != before);
  REQUIRE(after([](Manifest& m) { m.outputs[0].digest = digest_of("3"); }) != before);
  REQUIRE(after([](Manifest& m) { m.outputs.pop_back(); }) != before);
}

TEST_CASE("What is no manifest is refused; trying to read one only says so", "[cpu]") {
  const TemporaryDirectory dir;
  REQUIRE_FALSE(try_read_manifest(dir / "absent.h5").has_value());
  REQUIRE(failure_of([&] { read_manifest(dir / "absent.h5"); }).kind == ErrorKind::bad_input);
  {
    H5Writer file(dir / "other.h5");
    file.write<float>("x", {1.f});
    file.close_and_commit();
  }
  REQUIRE(failure_of([&] { read_manifest(dir / "other.h5"); }).mentions("no manifest"));
  write_manifest(dir / "whole.h5", sample());
  const std::string bytes = read_file(dir / "whole.h5");
  write_plain(dir / "half.h5", bytes.substr(0, bytes.size() / 2));
  REQUIRE(failure_of([&] { read_manifest(dir / "half.h5"); }).kind == ErrorKind::bad_input);
  REQUIRE_FALSE(try_read_manifest(dir / "half.h5").has_value());
  // HDF5's own checksums notice a changed byte.
  std::string edited = bytes;
  edited.replace(edited.find("4,55,3"), 6, "4,99,3");
  write_plain(dir / "edited.h5", edited);
  REQUIRE(failure_of([&] { read_manifest(dir / "edited.h5"); }).kind == ErrorKind::bad_input);
}

TEST_CASE("A manifest whose content does not have its digest is refused", "[cpu]") {
  const TemporaryDirectory dir;
  const auto write = [&](const Digest& digest) {
    H5Writer file(dir / "a.h5");
    file.set_attribute_text("", "format", "boxseg manifest");
    file.set_attribute<int64_t>("", "schema", 1);
    for (const char* name : {"program", "version", "fingerprint", "device"}) file.set_attribute_text("", name, "");
    for (const char* name : {"threads", "seed"}) file.set_attribute<int64_t>("", name, 0);
    file.set_attribute<double>("", "wall_time_s", 0);
    for (const char* group : {"options", "inputs", "facts"}) file.make_group(group);
    file.write_strings("outputs/path", {});
    file.write("outputs/size_bytes", std::vector<int64_t>{});
    file.write_strings("outputs/digest", {});
    file.set_attribute_text("", "digest", digest);
    file.close_and_commit();
  };
  write(Manifest().digest());
  REQUIRE_FALSE(failure_of([&] { read_manifest(dir / "a.h5"); }).kind.has_value());
  write(sample().digest());
  REQUIRE(failure_of([&] { read_manifest(dir / "a.h5"); }).mentions("does not have its digest"));
}

TEST_CASE("A manifest of another schema names both", "[cpu]") {
  const TemporaryDirectory dir;
  H5Writer file(dir / "a.h5");
  file.set_attribute_text("", "format", "boxseg manifest");
  file.set_attribute<int64_t>("", "schema", 99);
  file.close_and_commit();
  REQUIRE(failure_of([&] { read_manifest(dir / "a.h5"); }).mentions("schema 99, this program reads 1"));
}

TEST_CASE("Equal manifests have equal bytes", "[cpu]") {
  const TemporaryDirectory dir;
  write_manifest(dir / "a.h5", sample());
  write_manifest(dir / "b.h5", sample());
  REQUIRE(read_file(dir / "a.h5") == read_file(dir / "b.h5"));
}

TEST_CASE("A shown manifest names its program, options, inputs and outputs", "[cpu]") {
  const TemporaryDirectory dir;
  write_manifest(dir / "manifest.h5", sample());
  const std::string text = show_artifact(dir / "manifest.h5");
  for (const char* line : {"  program = stage2_pseudolabel\n", "  options/\n", "    threshold = 0.99\n", "  inputs/\n",
                           "    path string [2]: Y_crf/2007 000032.png, Y_crf/zwölf/a.png\n",
                           "    size_bytes int64 [2]: 1234, 1099511627776\n", "  wall_time_s = 12.25\n"}) {
    INFO(line << "in\n" << text);
    REQUIRE(text.find(line) != std::string::npos);
  }
}

TEST_CASE("A shown file of many groups and long datasets stays short and says what it left out", "[cpu]") {
  const TemporaryDirectory dir;
  {
    H5Writer file(dir / "shard.h5");
    std::vector<float> map(1000, 0.25f);
    map[500] = -3;
    map[501] = 4;
    for (int i = 0; i < 100; ++i) file.write<float>(fmt::format("images/{:03}/scores", i), map, {10, 100});
    file.close_and_commit();
  }
  const std::string text = show_artifact(dir / "shard.h5");
  REQUIRE(text.find("scores float32 [10,100]: 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, ...  (from -3 to 4)") !=
          std::string::npos);
  REQUIRE(text.find("... and 76 more") != std::string::npos);
  REQUIRE(text.size() < 10000);
}

TEST_CASE("Every golden HDF5 file can be shown", "[golden]") {
  SHARED_OR_SKIP(shared);
  int64_t shown = 0;
  for (const auto& entry : fs::directory_iterator(shared / "golden"))
    if (entry.path().extension() == ".h5") {
      REQUIRE(show_artifact(entry.path()).size() > 100);
      ++shown;
    }
  REQUIRE(shown >= 10);
}
