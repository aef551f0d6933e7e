#include <csignal>
#include <regex>
#include <string>

#include "common/base/files.h"
#include "common/io/checkpoint/checkpoint.h"
#include "common/io/manifest.h"
#include "common/io/tensorboard/event_file.h"
#include "tests/nn/paths.h"
#include "tests/stage1/small_dataset.h"
#include "tests/support/loaded_libraries.h"
#include "tests/support/stopping.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

using test::CommandResult;
using test::run_command;
using test::TemporaryDirectory;

const std::string kProgram = std::string(BOXSEG_BIN_DIR) + "/stage1_classify";
const std::string kFast =
    " --batch 4 --crop 65 --learning-rate 0.02 --milestones 100 --classifier-std 0.1"
    " --threads 2 --quiet";

std::string in_quotes(const fs::path& path) { return "'" + path.string() + "'"; }

CommandResult stage1(const fs::path& dataset, const fs::path& output, const std::string& more,
                     const std::string& environment = "") {
  return run_command(environment + " " + in_quotes(kProgram) + " --dataset " + in_quotes(dataset) +
                     " --split train --output " + in_quotes(output) + kFast + " --backbone tiny " + more);
}

Digest digest_of_classifier(const fs::path& output) {
  return digest_of_checkpoint(read_checkpoint(output / "classifier.pt"));
}

}  // namespace

TEST_CASE("stage1_classify learns the boxes of a small dataset, names what it wrote, and checks it", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 12), output = dir / "out put";
  const CommandResult first = stage1(dataset, output, "--iterations 60");
  INFO(first.err);
  REQUIRE(first.exit_code == 0);
  const Manifest manifest = read_manifest(output / "manifest.h5");
  REQUIRE(manifest.program == "stage1_classify");
  REQUIRE(manifest.inputs.count("dataset") == 1);
  REQUIRE(manifest.outputs.size() == 2);
  REQUIRE(manifest.outputs[0].path == "classifier.pt");
  REQUIRE(manifest.outputs[0].digest == digest_of_classifier(output));
  const Checkpoint classifier = read_checkpoint(output / "classifier.pt");
  REQUIRE(classifier.record.at("backbone") == "tiny");
  REQUIRE(classifier.record.at("class_names") == "background\nred\nblue");

  const std::string log = read_file(output / "log.jsonl");
  std::vector<double> losses;
  const std::regex loss("\"loss\":([0-9.eE+-]+)");
  for (std::sregex_iterator it(log.begin(), log.end(), loss), end; it != end; ++it)
    losses.push_back(std::stod((*it)[1]));
  REQUIRE(losses.size() == 6);
  REQUIRE(losses.back() < 0.5 * losses.front());

  {  // Run again, it has nothing to do and leaves every file alone.
    const auto before = fs::last_write_time(output / "classifier.pt");
    const CommandResult again =
        run_command(in_quotes(kProgram) + " --dataset " + in_quotes(dataset) + " --output " + in_quotes(output) +
                    " --backbone tiny --batch 4 --crop 65 --learning-rate 0.02 --milestones 100"
                    " --classifier-std 0.1 --iterations 60");
    REQUIRE(again.exit_code == 0);
    REQUIRE(again.err.find("up to date") != std::string::npos);
    REQUIRE(fs::last_write_time(output / "classifier.pt") == before);
  }
  {  // --check accepts the classifier and the manifest, and refuses a cut file and a changed one.
    REQUIRE(run_command(in_quotes(kProgram) + " --check " + in_quotes(output / "classifier.pt")).exit_code == 0);
    REQUIRE(run_command(in_quotes(kProgram) + " --check " + in_quotes(output / "manifest.h5")).exit_code == 0);
    const std::string bytes = read_file(output / "classifier.pt");
    write_file(dir / "cut.pt", bytes.substr(0, bytes.size() / 2));
    const CommandResult cut = run_command(in_quotes(kProgram) + " --check " + in_quotes(dir / "cut.pt"));
    REQUIRE(cut.exit_code == 3);
    REQUIRE(cut.err.find("cut.pt") != std::string::npos);
    Checkpoint changed = classifier;
    changed.tensors.back().second = changed.tensors.back().second + 1;
    write_checkpoint(output / "classifier.pt", changed);
    const CommandResult other = run_command(in_quotes(kProgram) + " --check " + in_quotes(output / "manifest.h5"));
    REQUIRE(other.exit_code == 3);
    REQUIRE(other.err.find("classifier.pt") != std::string::npos);
  }
}

TEST_CASE("stage 1 reads photographs in PNG and draws TensorBoard's picture without OpenCV's image codecs", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 6);
  const auto loaded =
      test::loaded_libraries(in_quotes(kProgram) + " --dataset " + in_quotes(dataset) + " --split train --output " +
                             in_quotes(dir / "out") + kFast + " --backbone tiny --iterations 2");
  INFO(loaded.result.err);
  REQUIRE(loaded.result.exit_code == 0);
  bool has_picture = false;
  for (const fs::path& events : event_files(dir / "out"))
    has_picture = has_picture || read_file(events).find("\x89PNG") != std::string::npos;
  REQUIRE(has_picture);
  REQUIRE(loaded.has("libpng"));
  REQUIRE_FALSE(loaded.has("imgcodecs"));
}

EACH_PATH_TEST_CASE("an interrupted stage 1 resumes to the bytes of an undisturbed run", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 9);
  // A GPU is also asked for the convolutions and dropouts of a large network.
  const std::vector<std::string> networks =
      on.device.is_cuda() ? std::vector<std::string>{"tiny", "vgg16"} : std::vector<std::string>{"tiny"};
  for (const std::string& backbone : networks) {
    const auto command = [&](const fs::path& output) {
      return on.environment() + in_quotes(kProgram) + " --dataset " + in_quotes(dataset) + " --output " +
             in_quotes(output) + kFast + on.option() + "--iterations 25 --backbone " + backbone;
    };
    const fs::path whole = dir / (backbone + " whole"), output = dir / (backbone + " stopped");
    REQUIRE(run_command(command(whole)).exit_code == 0);
    for (const char* signal : {"TERM", "KILL"}) {
      const bool is_kill = std::string(signal) == "KILL";
      const CommandResult stopped = test::stop_at_checkpoint(command(output), output, signal);
      INFO(signal << ": " << stopped.err);
      REQUIRE(stopped.exit_code == (is_kill ? 137 : 75));
      REQUIRE(!fs::exists(output / "manifest.h5"));
      REQUIRE(!fs::exists(output / "classifier.pt"));
    }
    const CommandResult resumed = run_command(command(output));
    INFO(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    REQUIRE(digest_of_file(output / "classifier.pt") == digest_of_file(whole / "classifier.pt"));
    REQUIRE(read_file(output / "log.jsonl") == read_file(whole / "log.jsonl"));
  }
}

TEST_CASE("a batch in parts learns what the whole batch learns, up to rounding", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 8);
  REQUIRE(stage1(dataset, dir / "whole", "--iterations 4").exit_code == 0);
  REQUIRE(stage1(dataset, dir / "parts", "--iterations 4 --micro-batch 3").exit_code == 0);
  const Checkpoint whole = read_checkpoint(dir / "whole" / "classifier.pt"),
                   parts = read_checkpoint(dir / "parts" / "classifier.pt");
  for (size_t i = 0; i < whole.tensors.size(); ++i) {
    INFO(whole.tensors[i].first);
    REQUIRE((whole.tensors[i].second - parts.tensors[i].second).abs().max().item<double>() < 1e-4);
  }
}

TEST_CASE("stage 1 with 0 iterations writes the untrained network, which depends on the seed", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 3);
  REQUIRE(stage1(dataset, dir / "a", "--iterations 0").exit_code == 0);
  REQUIRE(stage1(dataset, dir / "b", "--iterations 0 --seed 1").exit_code == 0);
  REQUIRE(fs::exists(dir / "a" / "manifest.h5"));
  REQUIRE(digest_of_classifier(dir / "a") != digest_of_classifier(dir / "b"));
}

TEST_CASE("plain average pooling trains another classifier", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 6);
  REQUIRE(stage1(dataset, dir / "bap", "--iterations 2").exit_code == 0);
  REQUIRE(stage1(dataset, dir / "gap", "--iterations 2 --pooling gap").exit_code == 0);
  REQUIRE(digest_of_classifier(dir / "bap") != digest_of_classifier(dir / "gap"));
}

TEST_CASE("a damaged photo stops stage 1 with its name, or is skipped and recorded when asked", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 6);
  const std::string bytes = read_file(dir / "2.png");
  write_file(dir / "2.png", bytes.substr(0, bytes.size() / 2));
  const CommandResult failed = stage1(dataset, dir / "a", "--iterations 5");
  REQUIRE(failed.exit_code == 3);
  REQUIRE(failed.err.find("2.png") != std::string::npos);
  REQUIRE(!fs::exists(dir / "a" / "manifest.h5"));
  const CommandResult skipped = stage1(dataset, dir / "b", "--iterations 5 --on-bad-image skip");
  INFO(skipped.err);
  REQUIRE(skipped.exit_code == 0);
  const Manifest manifest = read_manifest(dir / "b" / "manifest.h5");
  REQUIRE(manifest.facts.at("images") == "5");
  REQUIRE(manifest.facts.at("skipped") == "picture 2");
}

TEST_CASE("wrong options and inputs of stage 1 are named, with their exit codes", "[cpu]") {
  const TemporaryDirectory dir;
  const fs::path dataset = test::make_small_dataset(dir.path(), 3);
  const auto refuses = [&](const CommandResult& r, int exit_code, const std::string& word) {
    INFO(r.err);
    REQUIRE(r.exit_code == exit_code);
    REQUIRE(r.err.find(word) != std::string::npos);
  };
  refuses(stage1(dir / "none.h5", dir / "out", "--iterations 1"), 3, "none.h5");
  refuses(run_command(in_quotes(kProgram) + " --dataset " + in_quotes(dataset) + " --split trian --output " +
                      in_quotes(dir / "out")),
          2, "train");
  refuses(stage1(dataset, dir / "out", "--iteration 1"), 2, "--iterations");
  refuses(stage1(dataset, dir / "out", "--head largefov"), 2, "plain");
  refuses(stage1(dataset, dir / "out", "--init " + in_quotes(dir / "0.png")), 3, "0.png");
  refuses(stage1(dataset, dir / "0.png", "--iterations 1"), 2, "0.png");
}

}  // namespace boxseg
