// Whole files, written atomically.
#include "common/base/files.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "tests/base/capture.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("A written file is read back, whatever its bytes, and its folders are made", "[cpu]") {
  const TemporaryDirectory dir;
  std::string bytes("\0\xff\r\n", 4);
  bytes += std::string(300000, 'x');
  write_file(dir / "a b/c/file", bytes);
  REQUIRE(read_file(dir / "a b/c/file") == bytes);
  write_file(dir / "a b/c/file", "");
  REQUIRE(read_file(dir / "a b/c/file").empty());
  REQUIRE_FALSE(fs::exists(dir / "a b/c/file.part"));
}

TEST_CASE("A file that cannot be read is named with the reason", "[cpu]") {
  const TemporaryDirectory dir;
  const Failure absent = failure_of([&] { read_file(dir / "absent"); });
  REQUIRE(absent.kind == ErrorKind::bad_input);
  REQUIRE(absent.message == (dir / "absent").string() + ": cannot be read: No such file or directory");
  REQUIRE(failure_of([&] { read_file(dir.path()); }).mentions("Is a directory"));
}

TEST_CASE("A full disk leaves the old file as it was and no part of the new one", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "a", "old");
  const int code = exit_code_of_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const Failure full = failure_of([&] { write_file(dir / "a", std::string(5000, 'x')); });
    return full.kind == ErrorKind::failed && full.mentions("a: cannot be written: File too large") ? 0 : 1;
  });
  REQUIRE(code == 0);
  REQUIRE(read_file(dir / "a") == "old");
  REQUIRE_FALSE(fs::exists(dir / "a.part"));
}

TEST_CASE("A device without space says what to do", "[cpu]") {
  const TemporaryDirectory dir;
  fs::create_symlink("/dev/full", dir / "a.part");  // the temporary of the file below
  const Failure full = failure_of([&] { write_file(dir / "a", "x"); });
  REQUIRE(full.kind == ErrorKind::failed);
  REQUIRE(full.mentions("No space left on device; free some space and start again"));
  REQUIRE_FALSE(fs::exists(dir / "a"));
}

TEST_CASE("An atomic file appears with commit and not before; without commit nothing stays", "[cpu]") {
  const TemporaryDirectory dir;
  {
    AtomicFile file(dir / "deep/a");
    std::ofstream(file.temporary()) << "new";
    REQUIRE_FALSE(fs::exists(dir / "deep/a"));
    file.commit();
    REQUIRE(read_file(dir / "deep/a") == "new");
  }
  {
    AtomicFile file(dir / "deep/b");
    std::ofstream(file.temporary()) << "new";
  }
  REQUIRE_FALSE(fs::exists(dir / "deep/b.part"));
  REQUIRE(failure_of([&] { AtomicFile(dir / "deep/c").commit(); }).kind == ErrorKind::failed);  // nothing was written
}

TEST_CASE("A folder that cannot be made or written is a usage error", "[cpu]") {
  const TemporaryDirectory dir;
  require_writable_directory(dir / "new/folder");
  REQUIRE(fs::is_empty(dir / "new/folder"));
  write_file(dir / "file", "x");
  const Failure failure = failure_of([&] { require_writable_directory(dir / "file/below"); });
  REQUIRE(failure.kind == ErrorKind::usage);
  REQUIRE(failure.mentions("--output"));
  REQUIRE(failure_of([&] { make_directories(dir / "file/below"); }).kind == ErrorKind::failed);
  REQUIRE(failure_of([&] { require_writable_directory("/proc/boxseg"); }).kind == ErrorKind::usage);
}

TEST_CASE("A relative path stays inside its folder or is told apart", "[cpu]") {
  for (const char* path : {"a", "a/b.png", "2007 000032.png", "..a/b", "a../b"}) REQUIRE(is_inside(path));
  for (const char* path : {"", "/etc/passwd", "..", "a/../../b", "../a", "a/.."}) REQUIRE_FALSE(is_inside(path));
  REQUIRE_FALSE(is_inside(std::string("a\0b", 3)));
}
