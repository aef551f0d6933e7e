#include "common/pipeline/stage/stage_run.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/pipeline/plan/shell.h"
#include "common/pipeline/stage/lock.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

Options program(const std::string& fingerprint, double& threshold) {
  Options options({"tester", "", "", "stage2", fingerprint});
  options.add("threshold", &threshold, "");
  return options;
}

}  // namespace

TEST_CASE("a finished stage is up to date until an option, an input, the fingerprint or an output changes") {
  test::TemporaryDirectory dir;
  double threshold = 0.5;
  const Options options = program("1", threshold);
  const std::map<std::string, Digest> inputs{{"dataset", "d1"}};
  {
    StageRun run(options, dir.path(), inputs);
    REQUIRE(run.why() == "it was not made yet");
    REQUIRE(run.begin());
    write_file(dir / "a.txt", "hello");
    run.add_output("a.txt", digest_of("hello"));
    run.finish("cpu", 2);
  }
  REQUIRE(StageRun(options, dir.path(), inputs).is_up_to_date());
  REQUIRE(StageRun(options, dir.path(), {{"dataset", "d2"}}).why() == "input dataset changed");
  REQUIRE(StageRun(options, dir.path(), {}).why() == "input dataset is gone");
  REQUIRE_THAT(StageRun(program("2", threshold), dir.path(), inputs).why(), Contains("fingerprint 1 then, 2 now"));
  threshold = 0.75;
  REQUIRE(StageRun(options, dir.path(), inputs).why() == "option threshold was 0.5, is 0.75");
  threshold = 0.5;
  write_file(dir / "a.txt", "hello!");
  REQUIRE_THAT(StageRun(options, dir.path(), inputs).why(), Contains("a.txt has 6 bytes"));
  fs::remove(dir / "a.txt");
  REQUIRE(StageRun(options, dir.path(), inputs).why() == "a.txt is missing");
}

TEST_CASE("a stage that began and did not finish is not trusted") {
  test::TemporaryDirectory dir;
  double threshold = 0.5;
  const Options options = program("1", threshold);
  const auto finish = [&] {
    StageRun run(options, dir.path(), {});
    REQUIRE(run.begin());
    run.finish("cpu", 1);
  };
  finish();
  REQUIRE(StageRun(options, dir.path(), {}).is_up_to_date());
  // Work that another process has done in the meantime is not lost.
  REQUIRE_FALSE(StageRun(options, dir.path(), {}).begin());
  REQUIRE(StageRun(options, dir.path(), {}).is_up_to_date());
  { REQUIRE(StageRun(options, dir.path(), {{"dataset", "other"}}).begin()); }
  REQUIRE(StageRun(options, dir.path(), {}).why() == "it was not made yet");
}

TEST_CASE("an option that came later is no reason to run again while it stands at its default") {
  test::TemporaryDirectory dir;
  double threshold = 0.5;
  std::string form = "usual";
  {
    Options then = program("1", threshold);
    StageRun run(then, dir.path(), {});
    REQUIRE(run.begin());
    run.finish("cpu", 1);
  }
  Options now = program("1", threshold);
  now.add("form", &form, "added in a later version");
  REQUIRE(StageRun(now, dir.path(), {}).is_up_to_date());
  now.set("form", "other", "command line");
  REQUIRE(StageRun(now, dir.path(), {}).why() == "option form is new (other)");
}

TEST_CASE("the run key changes with options, inputs and fingerprint, not with threads or device") {
  double threshold = 0.5;
  Options options = program("1", threshold);
  const auto key = [&] { return StageRun(options, "x", {{"a", "b"}}).run_key(); };
  const std::string before = key();
  options.threads = 7;
  options.device = "cuda";
  REQUIRE(key() == before);
  threshold = 0.25;
  REQUIRE(key() != before);
  threshold = 0.5;
  REQUIRE(StageRun(options, "x", {{"a", "c"}}).run_key() != before);
  REQUIRE(StageRun(program("2", threshold), "x", {{"a", "b"}}).run_key() != before);
}

TEST_CASE("a lock names its living holder and is taken over from a dead one") {
  test::TemporaryDirectory dir;
  const fs::path path = dir / "manifest.h5.lock";
  set_log_level(LogLevel::silent);
  {
    FileLock lock(path);
    try {
      FileLock second(path);
      FAIL("two holders");
    } catch (const Error& e) {
      REQUIRE_THAT(e.what(), Contains(std::to_string(::getpid())));
    }
  }
  REQUIRE_FALSE(fs::exists(path));
  const pid_t child = ::fork();
  if (child == 0) {
    new FileLock(path);  // is never released, as after SIGKILL
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  REQUIRE(fs::exists(path));
  { FileLock taken_over(path); }
  REQUIRE_FALSE(fs::exists(path));
  set_log_level(LogLevel::info);
}

TEST_CASE("of several programs that find a dead lock one alone takes it over") {
  test::TemporaryDirectory dir;
  const fs::path path = dir / "dataset.h5.lock";
  set_log_level(LogLevel::silent);
  for (int round = 0; round < 20; ++round) {
    const pid_t dead = ::fork();
    if (dead == 0) {
      new FileLock(path);
      ::_exit(0);
    }
    ::waitpid(dead, nullptr, 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      children.push_back(::fork());
      if (children.back() != 0) continue;
      int code = 0;
      try {
        const FileLock lock(path);
        // Two holders would meet here.
        const int fd = ::open((dir / "held").c_str(), O_CREAT | O_EXCL, 0600);
        ::usleep(5000);
        if (fd < 0) code = 1;
        ::unlink((dir / "held").c_str());
      } catch (const Error& e) {
        std::fprintf(stderr, "%s\n", e.what());  // Catch2 knows nothing of this process
        code = 2;
      }
      ::_exit(code);
    }
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      REQUIRE(status == 0);
    }
    REQUIRE(fs::is_empty(dir.path()));
  }
  set_log_level(LogLevel::info);
}

TEST_CASE("a lock that somebody else holds by now stays when the one who lost it ends") {
  test::TemporaryDirectory dir;
  const fs::path path = dir / "x.lock";
  {
    const FileLock lost(path);
    write_file(path, "host elsewhere\npid 7\n");
  }
  REQUIRE(read_file(path) == "host elsewhere\npid 7\n");
  // The lock is of another machine: nobody waits for it, and no process here says that it is gone.
  REQUIRE_THROWS_WITH(FileLock(path), Contains("in use by host elsewhere pid 7"));
}

TEST_CASE("shell words survive the shell") {
  for (const std::string text : {"plain", "with blank", "it's", "$HOME `x` \"q\" \\", ""})
    REQUIRE(test::run_command("printf %s " + shell_quote(text)).out == text);
  REQUIRE(make_escape("a$b") == "a$$b");
}
