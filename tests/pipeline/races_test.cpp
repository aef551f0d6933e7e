// Several programs write one thing at a time: each finishes or says who is at it, and what stands is whole.
#include <cstdlib>
#include <future>

#include "tests/pipeline/tiny_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Returns how many rounds to run; BOXSEG_ROUNDS=50 looks longer.
int rounds(int usual) {
  const char* text = std::getenv("BOXSEG_ROUNDS");
  return text != nullptr ? std::atoi(text) : usual;
}

// Runs the command several times at once, and fails the test when one ends otherwise than well or with "in use by".
// Returns how many ended well.
int run_at_once(int copies, const std::string& command) {
  std::vector<std::future<CommandResult>> running;
  for (int i = 0; i < copies; ++i) running.push_back(std::async(std::launch::async, run_command, command));
  int successes = 0;
  for (auto& each : running) {
    const CommandResult result = each.get();
    INFO(result.out << result.err);
    if (result.exit_code == 0)
      ++successes;
    else
      REQUIRE_THAT(result.err, Contains("in use by host "));
  }
  return successes;
}

std::string program(const std::string& words) { return shell_quote(BOXSEG_BIN_DIR) + "/" + words; }

}  // namespace

TEST_CASE("four `prepare` on one output fail only as in use, and leave the dataset of one") {
  const TemporaryDirectory dir;
  const auto synthetic = [&](const char* name) {
    return program("prepare synthetic --quiet --images 12 --size-min 48 --size-max 64 --output ") +
           shell_quote((dir / name).string());
  };
  REQUIRE(run_command(synthetic("alone")).exit_code == 0);
  for (int round = 0; round < rounds(3); ++round) {
    fs::remove_all(dir / "data");
    REQUIRE(run_at_once(4, synthetic("data")) >= 1);
    REQUIRE(run_command("diff -r " + shell_quote((dir / "alone").string()) + " " + shell_quote((dir / "data").string()))
                .exit_code == 0);

    const fs::path index = dir / "dataset.h5";
    fs::remove(index);
    REQUIRE(run_at_once(
                4, program(fmt::format("prepare voc --quiet --root {} --split train=train --split val=val --output {}",
                                       shell_quote((dir / "data").string()), shell_quote(index.string())))) >= 1);
    const auto check = run_command(program("prepare check ") + shell_quote(index.string()));
    INFO(check.err);
    REQUIRE(check.exit_code == 0);
    REQUIRE_FALSE(fs::exists(dir / "dataset.h5.lock"));
    REQUIRE(temporary_files_in(dir.path()) == 0);
  }
}

TEST_CASE("four `plan` of one run leave the plan of one") {
  const TemporaryDirectory dir;
  const auto plan = [&](const char* name) {
    return fmt::format("cd {} && {} --preset tiny --run {}", shell_quote(BOXSEG_SOURCE_DIR), program("plan"),
                       shell_quote((dir / name).string()));
  };
  for (int round = 0; round < rounds(3); ++round) {
    for (const char* name : {"run", "ruN"}) fs::remove_all(dir / name);
    REQUIRE(run_at_once(4, plan("run")) >= 1);
    REQUIRE(run_command(plan("ruN")).exit_code == 0);
    std::string text = read_file(dir / "run/plan.mk");
    const std::string folder = dir.path().string() + "/run";
    for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
      text.replace(at, folder.size(), dir.path().string() + "/ruN");
    REQUIRE(text == read_file(dir / "ruN/plan.mk"));
    REQUIRE(temporary_files_in(dir.path()) == 0);
    REQUIRE_FALSE(fs::exists(dir / "run/plan.mk.lock"));
  }
}

TEST_CASE("two `make` of one new run fail only as in use, and a third finds what is left to do", "[slow]") {
  const TemporaryDirectory dir;
  const fs::path run = dir / "a run";
  for (int round = 0; round < rounds(2); ++round) {
    fs::remove_all(run);
    run_at_once(2, make_command(run, "dataset"));
    const auto rest = make(run, "dataset");
    INFO(rest.out << rest.err);
    REQUIRE(rest.exit_code == 0);
    REQUIRE(ran(make(run, "dataset")).empty());
    REQUIRE(run_command(program("prepare check ") + shell_quote((run / "dataset.h5").string())).exit_code == 0);
    REQUIRE(temporary_files_in(run) == 0);
  }
}
