// These tests run `stage3_segment train` as people do.
#include <regex>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/io/checkpoint/checkpoint.h"
#include "tests/nn/paths.h"
#include "tests/stage3/small_dataset.h"
#include "tests/support/stopping.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using test::CommandResult;
using test::in_quotes;
using test::run_command;
using test::temporary_files_in;
using test::TemporaryDirectory;

const std::string kProgram = std::string(BOXSEG_BIN_DIR) + "/stage3_segment";
const std::string kTiny = "--backbone tiny --head plain";
const std::string kFast = " --batch 4 --crop 65 --learning-rate 0.03 --classifier-std 1 --threads 1 ";

struct Small {
  TemporaryDirectory dir;
  fs::path dataset, labels;
  explicit Small(int64_t images)
      : dataset(test::make_small_dataset(dir.path(), images)), labels(test::make_small_labels(dir.path(), images)) {}
  std::string command(const std::string& output, const std::string& more, const std::string& network = kTiny) const {
    return in_quotes(kProgram) + " train --dataset " + in_quotes(dataset) + " --labels " + in_quotes(labels) +
           " --output " + in_quotes(dir / output) + kFast + network + " " + more;
  }
  CommandResult train(const std::string& output, const std::string& more) const {
    return run_command(command(output, more));
  }
};

std::vector<double> losses_of(const fs::path& output) {
  const std::string log = read_file(output / "log.jsonl");
  std::vector<double> losses;
  const std::regex loss("\"loss\":([0-9.eE+-]+)");
  for (std::sregex_iterator it(log.begin(), log.end(), loss), end; it != end; ++it)
    losses.push_back(std::stod((*it)[1]));
  return losses;
}

Digest digest_of_segmenter(const fs::path& output) {
  return digest_of_checkpoint(read_checkpoint(output / "segmenter.pt"));
}

void require_refusal(const CommandResult& result, int exit_code, const std::string& words) {
  INFO(result.err);
  REQUIRE(result.exit_code == exit_code);
  REQUIRE(result.err.find(words) != std::string::npos);
}

}  // namespace

TEST_CASE("stage 3 learns a small dataset with every loss, and names what it wrote", "[cpu]") {
  const Small small(8);
  for (const std::string loss : {"nal", "ce_crf", "ce_ret", "baseline", "entropy", "bootstrap"}) {
    const CommandResult done = small.train(loss, "--iterations 60 --loss " + loss);
    INFO(loss << ": " << done.err);
    REQUIRE(done.exit_code == 0);
    const auto losses = losses_of(small.dir / loss);
    REQUIRE(losses.size() == 6);
    REQUIRE(losses.back() < 0.7 * losses.front());
  }
  const CommandResult masks =
      run_command(in_quotes(kProgram) + " train --dataset " + in_quotes(small.dataset) + " --output " +
                  in_quotes(small.dir / "true_masks") + kFast + kTiny + " --iterations 60 --loss true_masks");
  INFO(masks.err);
  REQUIRE(masks.exit_code == 0);
  // Y_crf of this dataset are its masks, so these are the same maps from another place.
  REQUIRE(losses_of(small.dir / "true_masks") == losses_of(small.dir / "ce_crf"));
  REQUIRE(losses_of(small.dir / "nal") != losses_of(small.dir / "ce_crf"));

  const Manifest manifest = read_manifest(small.dir / "nal/manifest.h5");
  REQUIRE(manifest.program == "stage3_segment train");
  REQUIRE(manifest.inputs.count("dataset") == 1);
  REQUIRE(manifest.inputs.count("labels") == 1);
  REQUIRE(manifest.outputs.size() == 2);
  REQUIRE(manifest.outputs[1].path == "segmenter.pt");
  REQUIRE(manifest.outputs[1].digest == digest_of_segmenter(small.dir / "nal"));
  const auto record = read_checkpoint(small.dir / "nal/segmenter.pt").record;
  REQUIRE(record.at("backbone") == "tiny");
  REQUIRE(record.at("class_names") == "background\nred\nblue");
  REQUIRE(record.at("palette") == "000000 c80a14 008000");
  REQUIRE(record.at("temperature") == "20");
  REQUIRE(record.at("crf") == "4,121,5,3,3,10");
}

TEST_CASE("stage 3 run again has nothing to do, and with another option it trains again", "[cpu]") {
  const Small small(5);
  REQUIRE(small.train("out", "--iterations 3").exit_code == 0);
  const auto before = fs::last_write_time(small.dir / "out/segmenter.pt");
  const CommandResult again = small.train("out", "--iterations 3");
  REQUIRE(again.exit_code == 0);
  REQUIRE(again.err.find("up to date") != std::string::npos);
  REQUIRE(fs::last_write_time(small.dir / "out/segmenter.pt") == before);
  const Digest digest = digest_of_segmenter(small.dir / "out");
  REQUIRE(small.train("out", "--iterations 3 --gamma 2").exit_code == 0);
  REQUIRE(digest_of_segmenter(small.dir / "out") != digest);
}

EACH_PATH_TEST_CASE("an interrupted stage 3 resumes to the bytes of an undisturbed run", "[cpu]") {
  const Small small(9);
  // A GPU is also asked for the convolutions and dropouts of a large network.
  const std::vector<std::string> networks = on.device.is_cuda()
                                                ? std::vector<std::string>{kTiny, "--backbone vgg16 --head largefov"}
                                                : std::vector<std::string>{kTiny};
  for (const std::string& network : networks) {
    const auto command = [&](const std::string& output) {
      return on.environment() + small.command(output + network, "--iterations 25" + on.option(), network);
    };
    const fs::path whole = small.dir / ("whole" + network), output = small.dir / ("stopped" + network);
    REQUIRE(run_command(command("whole")).exit_code == 0);
    for (const char* signal : {"TERM", "KILL"}) {
      const bool is_kill = std::string(signal) == "KILL";
      const CommandResult stopped = test::stop_at_checkpoint(command("stopped"), output, signal);
      INFO(signal << ": " << stopped.err);
      REQUIRE(stopped.exit_code == (is_kill ? 137 : 75));
      REQUIRE(!fs::exists(output / "manifest.h5"));
      REQUIRE(!fs::exists(output / "segmenter.pt"));
    }
    const CommandResult resumed = run_command(command("stopped"));
    INFO(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    REQUIRE(digest_of_file(output / "segmenter.pt") == digest_of_file(whole / "segmenter.pt"));
    REQUIRE(read_file(output / "log.jsonl") == read_file(whole / "log.jsonl"));
  }
}

TEST_CASE("a batch in parts learns what the whole batch learns, up to rounding, for every kind of loss", "[cpu]") {
  const Small small(8);
  for (const std::string loss : {"nal", "ce_crf"}) {
    REQUIRE(small.train("whole " + loss, "--iterations 4 --loss " + loss).exit_code == 0);
    REQUIRE(small.train("parts " + loss, "--iterations 4 --micro-batch 3 --loss " + loss).exit_code == 0);
    const auto whole = read_checkpoint(small.dir / ("whole " + loss) / "segmenter.pt").tensors;
    const auto parts = read_checkpoint(small.dir / ("parts " + loss) / "segmenter.pt").tensors;
    for (size_t i = 0; i < whole.size(); ++i) {
      INFO(loss << " " << whole[i].first);
      REQUIRE((whole[i].second - parts[i].second).abs().max().item<double>() < 1e-4);
    }
  }
}

TEST_CASE("stage 3 with 0 iterations writes the untrained network, which depends on the seed", "[cpu]") {
  const Small small(3);
  REQUIRE(small.train("a", "--iterations 0").exit_code == 0);
  REQUIRE(small.train("b", "--iterations 0 --seed 1").exit_code == 0);
  REQUIRE(digest_of_segmenter(small.dir / "a") != digest_of_segmenter(small.dir / "b"));
}

TEST_CASE("labels that do not fit are refused, each with the file's name and the next step", "[cpu]") {
  const Small small(4);
  const auto train_with = [&](const fs::path& labels, const std::string& more = "") {
    return run_command(in_quotes(kProgram) + " train --dataset " + in_quotes(small.dataset) + " --labels " +
                       in_quotes(labels) + " --output " + in_quotes(small.dir / "out") + kFast + kTiny +
                       " --iterations 5 " + more);
  };
  const fs::path map = small.labels / "Y_ret/picture 2.png";
  SECTION("no manifest") {
    fs::remove(small.labels / "manifest.h5");
    require_refusal(train_with(small.labels), 3, "has no manifest.h5");
  }
  SECTION("no Y_ret") {
    const fs::path labels = test::make_small_labels(small.dir.path(), 4, false);
    require_refusal(train_with(labels), 3, "lists no Y_ret, which --loss nal needs");
    require_refusal(train_with(labels, "--loss ce_ret"), 3, "lists no Y_ret");
    REQUIRE(train_with(labels, "--loss ce_crf").exit_code == 0);
  }
  SECTION("labels of fewer images") {
    const TemporaryDirectory fewer;
    const fs::path labels = test::make_small_labels(fewer.path(), 3);
    require_refusal(train_with(labels), 3, "no Y_crf of image picture 3");
    const CommandResult skipped = train_with(labels, "--on-bad-image skip");
    INFO(skipped.err);
    REQUIRE(skipped.exit_code == 0);
    REQUIRE(read_manifest(small.dir / "out/manifest.h5").facts.at("images") == "3");
    REQUIRE(read_manifest(small.dir / "out/manifest.h5").facts.at("images_skipped") == "1");
  }
  SECTION("a label map of another size") {
    write_label_png(map, LabelMap(70, 79));
    require_refusal(train_with(small.labels), 3, "Y_ret/picture 2.png: is 79x70 pixels, image picture 2 is 80x70");
  }
  SECTION("a label map that was changed") {
    write_label_png(map, LabelMap(70, 80));
    require_refusal(train_with(small.labels), 3, "Y_ret/picture 2.png: has other labels than when it was made");
  }
  SECTION("a label map with an id that is no class") {
    write_label_png(map, LabelMap(70, 80, 3));
    require_refusal(train_with(small.labels), 3, "Y_ret/picture 2.png: pixel (0,0) is 3, which is neither a class");
  }
  SECTION("a damaged label map") {
    write_file(map, read_file(map).substr(0, 40));
    require_refusal(train_with(small.labels), 3, "Y_ret/picture 2.png");
  }
  REQUIRE(temporary_files_in(small.dir.path()) == 0);
}

TEST_CASE("a damaged photo stops stage 3 with its name, or is left out and recorded when asked", "[cpu]") {
  const Small small(5);
  write_file(small.dir / "2.png", read_file(small.dir / "2.png").substr(0, 500));
  require_refusal(small.train("a", "--iterations 5"), 3, "2.png");
  REQUIRE(!fs::exists(small.dir / "a/manifest.h5"));
  const CommandResult skipped = small.train("b", "--iterations 5 --on-bad-image skip");
  INFO(skipped.err);
  REQUIRE(skipped.exit_code == 0);
  const Manifest manifest = read_manifest(small.dir / "b/manifest.h5");
  REQUIRE(manifest.facts.at("images") == "4");
  REQUIRE(manifest.facts.at("skipped").find("2.png") != std::string::npos);
}

TEST_CASE("wrong command lines of stage 3 are refused with the next step", "[cpu]") {
  const Small small(3);
  require_refusal(run_command(in_quotes(kProgram) + " trian"), 2, "did you mean 'train'?");
  require_refusal(run_command(in_quotes(kProgram)), 2, "a command is missing");
  require_refusal(small.train("out", "--loss nall"), 2, "did you mean 'nal'?");
  require_refusal(small.train("out", "--iteration 3"), 2, "--iterations");
  require_refusal(small.train("out", "--split trian"), 2, "train");
  require_refusal(small.train("out", "--loss true_masks"), 2, "leave --labels out");
  require_refusal(small.train("out", "--init " + in_quotes(small.dir / "0.png")), 3, "0.png");
  require_refusal(small.train("0.png", "--iterations 1"), 2, "0.png");
  require_refusal(run_command(in_quotes(kProgram) + " train --dataset " + in_quotes(small.dir / "none.h5") +
                              " --labels x --output " + in_quotes(small.dir / "out")),
                  3, "none.h5");
}

TEST_CASE("stage 3 does not write over the manifest of its labels", "[cpu]") {
  const Small small(2);
  const std::string manifest = read_file(small.labels / "manifest.h5");
  for (const std::string output : {"labels", "labels/.", "labels/../labels"})
    require_refusal(small.train(output, "--iterations 0"), 2, "is the folder of --labels as well");
  REQUIRE(read_file(small.labels / "manifest.h5") == manifest);
  REQUIRE_FALSE(fs::exists(small.labels / "segmenter.pt"));
}

TEST_CASE("labels of other classes, or of the same in another order, are refused", "[cpu]") {
  const Small small(2);
  Manifest manifest = read_manifest(small.labels / "manifest.h5");
  const auto train_with = [&](const std::string& classes) {
    manifest.facts["classes"] = classes;
    write_manifest(small.labels / "manifest.h5", manifest);
    return small.train("out", "--iterations 0");
  };
  require_refusal(train_with("background\nblue\nred"), 3, "value 1 is 'blue' there and 'red' in the dataset");
  require_refusal(train_with("background\nred"), 3, "they have 2 classes with background, the dataset has 3");
  REQUIRE_FALSE(fs::exists(small.dir / "out/segmenter.pt"));
  REQUIRE(train_with("background\nred\nblue").exit_code == 0);
}
