// A run's folder may not have every name, and may be somebody else's.
#include "tests/pipeline/tiny_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

CommandResult plan(const fs::path& run) {
  const std::string data = shell_quote(BOXSEG_SOURCE_DIR) + "/data/";
  return run_command(shell_quote(BOXSEG_BIN_DIR) + "/plan --preset tiny --presets " + data + "presets --variants " +
                     data + "variants --run " + shell_quote(run.string()));
}

// Runs `make help`, which builds nothing, and looks at all names as any target does.
CommandResult help(const std::string& setting, const std::string& environment = "") {
  return run_command(fmt::format("cd {} && unset MAKEFLAGS MAKELEVEL && {} make -f Makefile.pipeline CUDA=0 help {}",
                                 shell_quote(BOXSEG_SOURCE_DIR), environment,
                                 setting.empty() ? "" : shell_quote(setting)));
}

}  // namespace

TEST_CASE("names that Make or a shell would put something else for are refused") {
  const TemporaryDirectory dir;
  const std::string touch = "$(shell touch " + (dir / "touched").string() + ")x";
  for (const auto& [setting, words] : {std::pair<std::string, std::string>{"RUN=runs/cost$HOME", "holds a dollar sign"},
                                       {"RUN=" + touch, "holds a dollar sign"},
                                       {"RUN=~/x", "begins with a tilde"},
                                       {"VOC=~/VOC2012", "VOC='~/VOC2012' begins with a tilde"},
                                       {"RUN=a\ntouch b", "holds a line break"},
                                       {"MAP=cat=" + touch, "holds a dollar sign"},
                                       {"MAP=cat=a\ntouch b", "holds a line break"},
                                       {"RUN=", "RUN is empty"},
                                       {"RUN= ", "RUN is empty"},
                                       {"PRESET=", "PRESET is empty"}}) {
    CAPTURE(setting);
    const auto result = help(setting);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains(words));
  }
  CHECK_THAT(help("", "RUN=" + shell_quote(touch)).err, Contains("holds a dollar sign"));
  CHECK_FALSE(fs::exists(dir / "touched"));
  for (const char* fine : {"RUN=a b", "RUN=x~y", "RUN=it's", "RUN=ü#1", "PRESET=tiny", "MAP=~cat=l'été (#1),b=c"}) {
    CAPTURE(fine);
    CHECK(help(fine).exit_code == 0);
  }
}

TEST_CASE("a name that is too long is told, and is no fault of the program") {
  const TemporaryDirectory dir;
  const auto result = plan(dir / std::string(300, 'L'));
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.err, Contains("LLL/") && Contains(": File name too long") && !Contains("internal error"));
}

TEST_CASE("a run is not mixed into a folder of somebody's own, and removing it keeps what is no part of it") {
  const TemporaryDirectory dir;
  const fs::path run = dir / "run";
  write_file(run / "thesis.txt", "x");
  const auto refused = plan(run);
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("the folder holds thesis.txt, which is no part of a run; name a folder of its own"));
  CHECK(std::distance(fs::directory_iterator(run), {}) == 1);

  fs::remove(run / "thesis.txt");
  write_file(run / "report.pdf", "x");  // its name begins as a part's does, but it is none
  CHECK_THAT(plan(run).err, Contains("the folder holds report.pdf"));
  fs::remove(run / "report.pdf");
  write_file(run / ".DS_Store", "x");
  write_file(run / "stage1/bap/mine.txt", "x");  // a part of a run, put there before
  REQUIRE(plan(run).exit_code == 0);
  write_file(run / "thesis.txt", "x");
  write_file(run / "report.pdf", "x");
  REQUIRE(plan(run).exit_code == 0);  // by now the folder is a run's
  const auto removed = make(run, "clean-run");
  INFO(removed.out << removed.err);
  REQUIRE(removed.exit_code == 0);
  CHECK_THAT(removed.out, Contains("kept is what is no part of it: .DS_Store report.pdf thesis.txt"));
  CHECK(std::distance(fs::directory_iterator(run), {}) == 3);

  fs::remove_all(run);
  REQUIRE(plan(run).exit_code == 0);
  CHECK_THAT(make(run, "clean-run").out, Contains("run removed"));
  CHECK_FALSE(fs::exists(run));
  CHECK(make(dir.path(), "clean-run").exit_code == 2);
}
