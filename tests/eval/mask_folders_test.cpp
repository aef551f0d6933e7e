// These tests compare two folders of label PNGs without a dataset, through the program.
#include "eval/miou/mask_folders.h"

#include <fmt/format.h>

#include "common/pipeline/plan/metrics_file.h"
#include "eval/miou/boundary.h"
#include "eval/miou/confusion.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Two pairs of label maps, one in a sub-folder.
struct Folders {
  TemporaryDirectory dir;
  fs::path truth = dir / "true masks", predictions = dir / "predicted";
  LabelMap true_maps[2] = {LabelMap(12, 20), LabelMap(9, 15)}, predicted_maps[2] = {LabelMap(12, 20), LabelMap(9, 15)};
  const std::string names[2] = {"a b.png", "sub/c.png"};
  Folders() {
    for (int64_t x = 3; x < 11; ++x)
      for (int64_t y = 2; y < 8; ++y) {
        true_maps[0].at(y, x) = 1, predicted_maps[0].at(y, x + 2) = 1;
        true_maps[1].at(y, x) = 3, predicted_maps[1].at(y - 1, x) = y < 5 ? 3 : 2;
      }
    true_maps[0].at(0, 0) = 255;
    for (int i = 0; i < 2; ++i) {
      write_label_png(truth / names[i], true_maps[i]);
      write_label_png(predictions / names[i], predicted_maps[i]);
    }
  }
  CommandResult run(const std::string& more = "") const {
    return run_command(fmt::format("'{}/evaluate' miou --truth '{}' --predictions '{}' {}", BOXSEG_BIN_DIR,
                                   truth.string(), predictions.string(), more));
  }
  void refused(const CommandResult& result, int code, const std::vector<std::string>& texts) const {
    INFO(result.err);
    REQUIRE(result.exit_code == code);
    for (const auto& text : texts) REQUIRE_THAT(result.err, Contains(text));
  }
};

}  // namespace

TEST_CASE("two folders of label maps are compared without a dataset, their classes numbered or named") {
  const Folders f;
  Confusion expected(4);
  BoundaryMean contours(4);
  for (int i = 0; i < 2; ++i) {
    expected.add(f.true_maps[i], f.predicted_maps[i]);
    contours.add(boundary_f(f.true_maps[i], f.predicted_maps[i], 4));
  }
  const fs::path json = f.dir / "m.json";
  const auto numbered = f.run(fmt::format("--boundary --json '{}' --key mine", json.string()));
  INFO(numbered.err);
  REQUIRE(numbered.exit_code == 0);
  CHECK_THAT(numbered.err, Contains("classes are numbered 0 to 3") && !Contains("warning"));
  CHECK_THAT(numbered.out, Contains(fmt::format("mIoU {:.2f}", expected.scores().miou)) && Contains("2 images"));
  Metrics m = read_metrics(json);
  CHECK(m.at("mine/miou") == expected.scores().miou);
  CHECK(m.at("mine/per_class/3") == expected.scores().iou[3]);
  CHECK(m.at("mine/per_class/2").is_null());  // predicted alone
  CHECK(m.at("mine/boundary_f") == contours.mean());
  CHECK(!m.contains("mine/box_iou"));

  write_file(f.dir / "names.txt", "background\ncat\ndog\ncow\n");
  const auto named =
      f.run(fmt::format("--classes '{}' --json '{}' --key mine", (f.dir / "names.txt").string(), json.string()));
  INFO(named.err);
  REQUIRE(named.exit_code == 0);
  CHECK_THAT(named.out, Contains("cow") && Contains("each counts as 0: dog"));
  m = read_metrics(json);
  CHECK(m.at("mine/per_class/cow") == expected.scores().iou[3]);
  CHECK(m.at("mine/miou") == expected.scores().miou);
  CHECK_THAT(f.run("--json '" + json.string() + "'").err, Contains("--key is missing"));

  // The largest value may stand in either folder.
  for (const auto& [label, numbers] : {std::pair{uint8_t{2}, "0 to 3"}, {uint8_t{5}, "0 to 5"}}) {
    write_label_png(f.predictions / f.names[1], LabelMap(9, 15, label));
    CHECK_THAT(f.run().err, Contains(std::string("classes are numbered ") + numbers));
  }
}

TEST_CASE("label maps that are missing, too many or of another size are named") {
  const Folders f;
  write_label_png(f.predictions / "extra.png", LabelMap(3, 3));
  write_label_png(f.predictions / "sub/more.png", LabelMap(3, 3));
  const auto extra = f.run();
  REQUIRE(extra.exit_code == 0);
  CHECK_THAT(extra.err, Contains("2 label maps have no truth of their name") && Contains("the first is extra.png"));
  CHECK_THAT(extra.out, Contains("2 images"));

  write_label_png(f.predictions / "sub/c.png", LabelMap(9, 16));
  f.refused(f.run(), 3, {"predicted/sub/c.png: 16 x 9 pixels", "'sub/c' has 15 x 9"});
  fs::remove(f.predictions / "sub/c.png");
  f.refused(f.run(), 3, {"1 of 2 images have no label map", "predicted/sub/c.png", "take their truth out of"});
  write_file(f.truth / "sub/c.png", "no picture");
  f.refused(f.run(), 3, {"true masks/sub/c.png"});
}

TEST_CASE("a truth of nothing but background and void is refused, and so is a folder without label maps") {
  const Folders f;
  for (const auto& name : f.names) write_label_png(f.truth / name, LabelMap(12, 20, 255));
  f.refused(f.run(), 3, {"true masks: its 2 label maps hold no class", "`prepare show FILE`"});
  for (const auto& name : f.names) fs::remove(f.truth / name);
  write_file(f.truth / "a.txt", "1");
  f.refused(f.run(), 3, {"true masks: holds no label PNG"});
  fs::remove_all(f.truth);
  f.refused(f.run(), 3, {"true masks: no such folder"});
}

TEST_CASE("a folder of truth takes the place of a dataset, not its side") {
  const Folders f;
  f.refused(f.run("--dataset d.h5"), 2, {"--dataset d.h5", "--truth"});
  f.refused(f.run("--split val"), 2, {"--split val", "--truth"});
  f.refused(f.run("--data-root ."), 2, {"--data-root", "--truth"});
  f.refused(f.run("--classes none.txt"), 3, {"none.txt"});
  write_file(f.dir / "two.txt", "background\ncat\n");
  f.refused(f.run("--classes '" + (f.dir / "two.txt").string() + "'"), 3, {"'sub/c'", "the value 3", "0 to 1"});
  const std::string miou = fmt::format("'{}/evaluate' miou --predictions '{}'", BOXSEG_BIN_DIR, f.predictions.string());
  f.refused(run_command(miou + " --dataset d.h5 --classes two.txt"), 2, {"--classes two.txt", "--truth"});
  f.refused(run_command(miou), 2, {"--dataset is missing, or --truth"});
  for (const fs::path& read : {f.truth / f.names[1], f.predictions / f.names[1]})
    f.refused(f.run("--confusion '" + read.string() + "'"), 2, {"--confusion", "is the file that is read as"});
}

TEST_CASE("predictions that a stage made for named classes are no matter where classes are numbers") {
  const Folders f;
  Manifest m;
  m.program = "stage3_segment predict";
  m.facts = {{"classes", "background\ncat\ndog\ncow"}};
  for (int i = 0; i < 2; ++i) m.outputs.push_back({f.names[i], 1, digest_of_labels(f.predicted_maps[i])});
  write_manifest(f.predictions / "manifest.h5", m);
  const auto result = f.run();
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.err, !Contains("warning"));
  write_file(f.dir / "names.txt", "background\ncat\ncow\ndog\n");
  CHECK_THAT(f.run("--classes '" + (f.dir / "names.txt").string() + "'").err, Contains("was made for other classes"));
}
