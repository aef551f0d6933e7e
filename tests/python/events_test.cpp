// TensorBoard's own reader takes the event files of both training stages: of whole runs, and of one that was killed.
#include <string>

#include "common/base/error.h"
#include "tests/stage3/small_dataset.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using test::in_quotes;

constexpr const char* kFast =
    " --backbone tiny --head plain --batch 4 --crop 65 --learning-rate 0.03 --classifier-std 0.1 --threads 1 --quiet";

// Returns a command that trains into DIR/out.
std::string training_command(const test::TemporaryDirectory& dir, const std::string& stage, int steps) {
  std::string inputs = " --dataset " + in_quotes(test::make_small_dataset(dir.path(), 8));
  if (stage == "stage3_segment train") inputs += " --labels " + in_quotes(test::make_small_labels(dir.path(), 8));
  return fmt::format("'{}'/{}{}{} --iterations {} --output {}", BOXSEG_BIN_DIR, stage, inputs, kFast, steps,
                     in_quotes(dir / "out"));
}

void require_success(const std::string& command) {
  const auto result = test::run_command(command);
  INFO(command << "\n" << result.out << result.err);
  REQUIRE(result.exit_code == 0);
  std::printf("%s", result.out.c_str());
}

// `pictures` is their number and their size; `options` are those that the TEXT tab must show.
void require_read_by_tensorboard(const fs::path& python, const fs::path& output, int last_line,
                                 const std::string& pictures, const std::string& options) {
  require_success(fmt::format("{} '{}/tests/python/check_events.py' {} {} {} {}", in_quotes(python), BOXSEG_SOURCE_DIR,
                              in_quotes(output), last_line, pictures, options));
}

}  // namespace

TEST_CASE("TensorBoard shows numbers, pictures and options of stage 1", "[python]") {
  PYTHON_OR_SKIP(python);
  const test::TemporaryDirectory dir;
  require_success(training_command(dir, "stage1_classify", 45));
  // The pictures are those of steps 1, 5, 10, ..., 45.
  require_read_by_tensorboard(python, dir / "out", 40, "10:65x65",
                              "backbone=tiny learning-rate=0.03 iterations=45 pooling=bap");
}

TEST_CASE("TensorBoard shows a killed and resumed run of stage 3 as one", "[python]") {
  PYTHON_OR_SKIP(python);
  const test::TemporaryDirectory dir;
  const std::string command = training_command(dir, "stage3_segment train", 450), output = in_quotes(dir / "out");
  // The run is killed when lines and a picture stand in the files that the last checkpoint, at step 97 or 194, does not
  // know of.
  for (const int lines : {12, 22}) {
    const auto killed = test::run_command(fmt::format(
        "BOXSEG_CHECKPOINT_EVERY_STEPS=97 {} & pid=$!; while kill -0 $pid 2>/dev/null && "
        "[ $(cat {}/log.jsonl 2>/dev/null | wc -l) -lt {} ]; do sleep 0.01; done; kill -KILL $pid; wait $pid",
        command, output, lines));
    INFO(killed.err);
    REQUIRE(killed.exit_code == 137);
  }
  require_success(command);
  require_read_by_tensorboard(python, dir / "out", 450, "10:65x195", "backbone=tiny loss=nal lambda=0.1 seed=0");
}
