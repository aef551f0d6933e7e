// Whole files are written atomically.
#include "common/base/files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/hash.h"
#include "common/base/interrupt.h"
#include "common/base/temporary_file.h"
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
  REQUIRE(temporary_files_in(dir.path()) == 0);
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
    end_when_interrupted();  // without it, the signal of that limit kills
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const Failure full = failure_of([&] { write_file(dir / "a", std::string(5000, 'x')); });
    return full.kind == ErrorKind::failed &&
                   full.mentions("a: cannot be written: File too large; raise the limit of file sizes (ulimit -f)")
               ? 0
               : 1;
  });
  REQUIRE(code == 0);
  REQUIRE(read_file(dir / "a") == "old");
  REQUIRE(temporary_files_in(dir.path()) == 0);
}

TEST_CASE("A device without space says what to do", "[cpu]") {
  const int fd = ::open("/dev/full", O_WRONLY);
  const Failure full = failure_of([&] { write_all(fd, "x", "a"); });
  ::close(fd);
  REQUIRE(full.kind == ErrorKind::failed);
  REQUIRE(full.mentions("a: cannot be written: No space left on device; free some space and start again"));
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
  REQUIRE(temporary_files_in(dir.path()) == 0);
  REQUIRE_FALSE(fs::exists(dir / "deep/b"));
  AtomicFile lost(dir / "deep/c");
  fs::remove(lost.temporary());
  REQUIRE(failure_of([&] { lost.commit(); }).kind == ErrorKind::failed);
}

TEST_CASE("Writers of one path do not meet before the end, and the last one's file stands whole", "[cpu]") {
  const TemporaryDirectory dir;
  AtomicFile first(dir / "a"), second(dir / "a");
  REQUIRE(first.temporary() != second.temporary());
  std::ofstream(first.temporary()) << "first";
  std::ofstream(second.temporary()) << "second, and longer";
  second.commit();
  REQUIRE(read_file(dir / "a") == "second, and longer");
  first.commit();
  REQUIRE(read_file(dir / "a") == "first");

  const int code = exit_code_of_child([&] {
    for (int i = 0; i < 3; ++i)
      if (::fork() == 0) break;
    for (char c = 'a'; c < 'z'; ++c) {
      write_file(dir / "b", std::string(200000, c));
      const std::string found = read_file(dir / "b");
      if (found.size() != 200000 || found.find_first_not_of(found[0]) != std::string::npos) return 1;
    }
    int status = 0, worst = 0;
    while (::wait(&status) > 0) worst = std::max(worst, status);
    return worst == 0 ? 0 : 2;
  });
  REQUIRE(code == 0);
  REQUIRE(read_file(dir / "b") == std::string(200000, 'y'));
  REQUIRE(temporary_files_in(dir.path()) == 0);
}

TEST_CASE("The longest names can be written, also where a character of several bytes would be cut", "[cpu]") {
  const TemporaryDirectory dir;
  std::string accents;
  while (accents.size() < 250) accents += "é";
  for (const std::string& name : {std::string(255, 'x'), accents + ".png", std::string("x.") + accents}) {
    write_file(dir / name, name);
    REQUIRE(read_file(dir / name) == name);
  }
}

TEST_CASE("The temporary of a killed writer goes with the next program that writes there; all others stay", "[cpu]") {
  const TemporaryDirectory dir;
  const int code = exit_code_of_child([&] {
    new AtomicFile(dir / "killed.h5");  // is never destroyed, as after SIGKILL
    return 0;
  });
  REQUIRE(code == 0);
  REQUIRE(temporary_files_in(dir.path()) == 1);
  // This is the first file that this program writes there, so it looks for leftovers.
  const AtomicFile own(dir / "a");
  REQUIRE(temporary_files_in(dir.path()) == 1);
  REQUIRE(fs::exists(own.temporary()));

  const fs::path recent = dir / "a.h5.0123abcd-7-8-9.part", old = dir / "b.h5.0123abcd-7-8-9.part";
  for (const auto& file : {recent, old, dir / "mine.part", dir / "a-b-c-d.part", dir / "a.0123abcd-7-8-9.png"})
    write_file(file, "x");
  for (const auto& entry : fs::directory_iterator(dir.path()))
    if (entry.path() != recent) fs::last_write_time(entry, fs::file_time_type::clock::now() - std::chrono::hours(48));
  remove_leftovers(dir.path());
  REQUIRE(fs::exists(recent));  // it is of another machine, which may be at work
  REQUIRE_FALSE(fs::exists(old));
  for (const char* other : {"mine.part", "a-b-c-d.part", "a.0123abcd-7-8-9.png"}) REQUIRE(fs::exists(dir / other));
  REQUIRE(fs::exists(own.temporary()));
}

TEST_CASE("Links are followed when a file is written", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "there/file", "old");
  fs::create_symlink("there/file", dir / "link");
  fs::create_symlink(dir / "link", dir / "link of link");
  fs::create_symlink("there/new", dir / "to nothing yet");
  write_file(dir / "link of link", "new");
  write_file(dir / "to nothing yet", "made");
  REQUIRE(fs::is_symlink(dir / "link"));
  REQUIRE(fs::is_symlink(dir / "link of link"));
  REQUIRE(read_file(dir / "there/file") == "new");
  REQUIRE(fs::is_symlink(dir / "to nothing yet"));
  REQUIRE(read_file(dir / "there/new") == "made");
  fs::create_symlink("other way", dir / "one way");
  fs::create_symlink("one way", dir / "other way");
  fs::create_symlink("itself", dir / "itself");
  for (const char* circle : {"one way", "itself"}) {
    const Failure failure = failure_of([&] { write_file(dir / circle, "lost"); });
    REQUIRE(failure.mentions("is a link that leads in a circle"));
    REQUIRE(fs::is_symlink(dir / circle));
  }
}

TEST_CASE("What is no file is not replaced by one", "[cpu]") {
  const TemporaryDirectory dir;
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  fs::create_symlink("/dev/null", dir / "link to a device");
  fs::create_directory(dir / "folder");
  for (const auto& [path, kind] : std::vector<std::pair<fs::path, std::string>>{{"/dev/null", "a device"},
                                                                                {dir / "pipe", "a pipe"},
                                                                                {dir / "link to a device", "a device"},
                                                                                {dir / "folder", "a folder"}}) {
    const auto before = fs::status(path).type();
    const Failure failure = failure_of([&, path = path] { write_file(path, "x"); });
    REQUIRE(failure.kind == ErrorKind::usage);
    REQUIRE(failure.mentions(path.string() + ": is " + kind + ", not a file"));
    REQUIRE(fs::status(path).type() == before);
  }
}

TEST_CASE("A pipe is read to its end; what has no end is refused", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path pipe = dir / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] {
    std::ofstream out(pipe);
    for (int i = 0; i < 3; ++i) out << std::string(100000, 'x') << std::flush;
  });
  REQUIRE(read_file(pipe) == std::string(300000, 'x'));
  writer.join();
  const Failure endless = failure_of([&] { read_file("/dev/zero"); });
  REQUIRE(endless.kind == ErrorKind::bad_input);
  REQUIRE(endless.mentions("/dev/zero: is a device, not a file"));
  REQUIRE(failure_of([&] { digest_of_file("/dev/zero"); }).mentions("is a device"));
  REQUIRE(failure_of([&] { require_regular_file(pipe); }).mentions("is a pipe"));
  REQUIRE(failure_of([&] { require_regular_file(dir / "absent"); }).mentions("No such file"));
}

TEST_CASE("A signal ends the wait for a pipe that nobody writes to", "[cpu]") {
  const TemporaryDirectory dir;
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  REQUIRE(exit_code_of_child([&] {
            watch_interrupts();
            if (::fork() == 0) {
              ::usleep(100000);
              ::kill(::getppid(), SIGTERM);
              ::_exit(0);
            }
            return failure_of([&] { read_file(dir / "pipe"); }).kind == ErrorKind::interrupted ? 0 : 1;
          }) == 0);
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
