// Some outputs may not be written.
#include "common/base/outputs.h"

#include <sys/stat.h>

#include "common/base/files.h"
#include "common/base/options.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Returns what the options of a program with these paths say.
std::string message_of(const std::string& input, const std::string& output, const std::string& config = "") {
  std::string in, out;
  Options options({"program", "Does.", "program", "", "1"});
  options.add("image", &in, "read", Role::input);
  options.add("output", &out, "written", Role::output);
  std::vector<std::string> words = {"program", "--image=" + input, "--output=" + output};
  if (!config.empty()) words.push_back("--config=" + config);
  std::vector<const char*> argv;
  for (const auto& word : words) argv.push_back(word.c_str());
  return usage_message_of([&] { options.parse(static_cast<int>(argv.size()), argv.data()); });
}

}  // namespace

TEST_CASE("The name of an output does not say that it is something else", "[cpu]") {
  for (const char* fine : {"labels.png", "a.b.PNG", "labels", "folder.d/labels", "run.01", "img.crf", ""})
    REQUIRE_NOTHROW(require_name_of(Format::png, fine));
  for (const char* fine : {"dataset.h5", "dataset.HDF5", "a.hdf", "index"})
    REQUIRE_NOTHROW(require_name_of(Format::hdf5, fine));
  for (const char* other : {"labels.jpg", "labels.npy", "a.TIFF", "dataset.h5", "labels.xml"}) {
    INFO(other);
    REQUIRE(failure_of([&] { require_name_of(Format::png, other); }).kind == ErrorKind::usage);
  }
  const auto is_told = [](Format format, const char* name, const std::string& words) {
    const Failure failure = failure_of([&] { require_name_of(format, name, "--x"); });
    INFO(failure.message);
    return failure.kind == ErrorKind::usage && failure.mentions(words);
  };
  REQUIRE(is_told(Format::png, "d/labels.JPG", "--x d/labels.JPG: a PNG is written; name it labels.png"));
  REQUIRE(is_told(Format::npy, "q.png", "--x q.png: a NumPy array is written; name it q.npy"));
  REQUIRE(is_told(Format::hdf5, "index.jpg", "--x index.jpg: an HDF5 file is written; name it index.h5"));
}

TEST_CASE("An output that is an input is refused, under whatever name", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "photo.png", "photo");
  write_file(dir / "other.png", "photo");
  write_file(dir / "options.ini", "# none\n");
  fs::create_symlink("photo.png", dir / "link.png");
  fs::create_symlink(dir.path(), dir / "folder");
  fs::create_hard_link(dir / "photo.png", dir / "hard.png");
  for (const std::string name : {"photo.png", "link.png", "hard.png", "./photo.png", "folder/photo.png"}) {
    CAPTURE(name);
    REQUIRE_THAT(message_of((dir / "photo.png").string(), (dir / name).string()),
                 Contains("--output " + (dir / name).string() + ": is the file that is read as --image"));
  }
  REQUIRE_THAT(message_of((dir / "photo.png").string(), (dir / "options.ini").string(), (dir / "options.ini").string()),
               Contains("--config"));
  for (const std::string name : {"other.png", "new.png", "folder", "new/folder/x.png"})
    REQUIRE(message_of((dir / "photo.png").string(), (dir / name).string()).empty());
  REQUIRE(read_file(dir / "photo.png") == "photo");
}

TEST_CASE("A device, a pipe or a folder in place of an output is refused before the work", "[cpu]") {
  const TemporaryDirectory dir;
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  REQUIRE_THAT(message_of("absent.png", "/dev/null"), Contains("--output /dev/null: is a device"));
  REQUIRE_THAT(message_of("absent.png", (dir / "pipe").string()), Contains("is a pipe"));
  REQUIRE_THAT(usage_message_of([&] { require_writable_file(dir.path(), "--json"); }),
               Contains("--json") && Contains("is a folder"));
  require_writable_file(dir / "new/file");
  REQUIRE(fs::is_empty(dir / "new"));
}

TEST_CASE("One of many outputs that is one of many inputs is named", "[cpu]") {
  const TemporaryDirectory dir;
  for (const char* name : {"a.png", "b.png", "c.png"}) write_file(dir / name, name);
  fs::create_hard_link(dir / "b.png", dir / "out.png");
  const std::vector<fs::path> inputs = {dir / "a.png", dir / "b.png", dir / "absent.png"};
  refuse_inputs_among({dir / "new.png", dir / "absent.png", dir / "c.png"}, "--output", inputs);
  const std::string message = usage_message_of([&] {
    refuse_inputs_among({dir / "c.png", dir / "out.png"}, "--output", inputs);
  });
  REQUIRE_THAT(message, Contains("out.png: is the file that is read as") && Contains("b.png"));
}
