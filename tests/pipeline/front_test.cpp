// Small programs stand in front of the stages: they answer some things without LibTorch, and keep others until it is
// loaded.
#include <string>

#include "common/base/error.h"
#include "common/base/files.h"
#include "tests/support/loaded_libraries.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::string program(const std::string& name) { return "'" + std::string(BOXSEG_BIN_DIR) + "/" + name + "' "; }

}  // namespace

TEST_CASE("wrong options and questions are answered without loading LibTorch", "[cpu]") {
  struct Call {
    std::string command;
    int exit_code;
    std::string words;
  };
  for (const Call& call : {Call{program("stage1_classify") + "--lr 3", 2, "did you mean --learning-rate?"},
                           Call{program("stage1_classify") + "--batch 0 --dataset d --output o", 2, "--batch"},
                           Call{program("stage1_classify") + "--help", 0, "--learning-rate"},
                           Call{program("stage2_pseudolabel") + "--treshold 3", 2, "did you mean --threshold?"},
                           Call{program("stage2_pseudolabel") + "--fingerprint", 0, ""},
                           Call{program("stage3_segment") + "tran", 2, "did you mean 'train'?"},
                           Call{program("stage3_segment") + "train --lr 3", 2, "did you mean --learning-rate?"},
                           Call{program("stage3_segment") + "predict --print-config", 0, "scales"},
                           Call{program("stage3_segment") + "--version", 0, "boxseg "}}) {
    CAPTURE(call.command);
    const LoadedLibraries loaded = loaded_libraries(call.command);
    CHECK(loaded.result.exit_code == call.exit_code);
    CHECK_THAT(loaded.result.out + loaded.result.err, Contains(call.words));
    CHECK(loaded.has("libboost_program_options"));
    CHECK_FALSE(loaded.has("libtorch_cpu"));
  }
  CHECK(loaded_libraries(program("stage1_classify") + "--check /nowhere").has("libtorch_cpu"));
}

TEST_CASE("a signal that comes while LibTorch loads is not lost, and ends the program as at any other time", "[cpu]") {
  for (const char* delay : {"0.1", "0.2", "0.3"})
    for (const std::string name : {"HUP", "USR1", "TERM"}) {
      CAPTURE(delay, name);
      const TemporaryDirectory dir;
      // The program waits for a pipe without a writer, which outlasts any loading.
      const auto result =
          run_command("mkfifo '" + (dir / "pipe").string() + "'; " + program("stage1_classify") + "--check '" +
                      (dir / "pipe").string() + "' & pid=$!; sleep " + delay + "; kill -" + name + " $pid; wait $pid");
      INFO(result.err);
      CHECK((result.exit_code == 75 || result.exit_code == 3));
    }
}

TEST_CASE("a stage starts where a shell has set a small stack", "[cpu]") {
  for (const char* command : {"stage1_classify", "stage2_pseudolabel", "stage3_segment"}) {
    const auto result = run_command("ulimit -S -s 64; " + program(command) + "--check /nowhere");
    CAPTURE(command, result.err);
    CHECK(result.exit_code == 3);
    CHECK_THAT(result.err, Contains("/nowhere"));
  }
}

TEST_CASE("a stage says that LibTorch does not fit into a limit of memory", "[cpu]") {
  if (kHasAddressSanitizer) return skip("AddressSanitizer does not work within a limit of addresses");
  for (const int megabytes : {150, 250, 350}) {
    const auto result =
        run_command(fmt::format("ulimit -v {}; ", megabytes << 10) + program("stage1_classify") + "--check /nowhere");
    CAPTURE(megabytes, result.err);
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains(fmt::format("LibTorch cannot be loaded within the limit of {} MB", megabytes)));
  }
  const auto result = run_command("ulimit -v 8000000; " + program("stage1_classify") + "--check /nowhere");
  CAPTURE(result.err);
  CHECK(result.exit_code == 3);
}

TEST_CASE("a front without its program says what is missing", "[cpu]") {
  const TemporaryDirectory dir;
  make_directories(dir / "bin");
  fs::copy_file(fs::path(BOXSEG_BIN_DIR) / "stage1_classify", dir / "bin/stage1_classify");
  const std::string alone = "'" + (dir / "bin/stage1_classify").string() + "' --check x";
  const auto absent = run_command(alone);
  CHECK(absent.exit_code == 1);
  CHECK_THAT(absent.err, Contains("libexec/stage1_classify: cannot be started: No such file or directory"));
  // In a bundle a script looks for LibTorch first.
  write_file(dir / "libexec/beside_torch", "#!/bin/sh\necho \"$@\"\n");
  fs::permissions(dir / "libexec/beside_torch", fs::perms::owner_all);
  CHECK(run_command(alone).out == "stage1_classify --check x\n");
}

TEST_CASE("options from a pipe, which can be read once, reach the stage", "[cpu]") {
  if (run_command("command -v bash").exit_code != 0) return skip("no bash");
  for (const char* config : {"<(printf '[stage1]\\nlr = 3\\n')", "/dev/stdin"}) {
    const auto result = run_command("printf '[stage1]\\nlr = 3\\n' | bash -c \"" + program("stage1_classify") +
                                    "--dataset d --output o --config " + config + "\"");
    CAPTURE(config, result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains("did you mean learning-rate?"));
  }
}

TEST_CASE("an answer that cannot be written is no success", "[cpu]") {
  for (const char* command : {"plan", "prepare", "stage1_classify", "evaluate"}) {
    const auto result = run_command(program(command) + "--help >/dev/full");
    CAPTURE(command, result.err);
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("standard output cannot be written"));
  }
}
