// `make masks`: photographs and boxes in, masks, a review list and a page out, by the real programs.
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/drawn_masks.h"
#include "tests/own/large_photos.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Two steps of a small network: what is asked here is what comes out, not how good it is.
const std::string kQuick =
    "stage1.backbone=tiny stage1.freeze-backbone=false stage1.output-stride=0 stage1.iterations=2 stage1.epochs=0 "
    "stage1.batch=2 stage1.crop=65 stage1.classifier-std=0.1 stage3.backbone=tiny stage3.head=plain "
    "stage3.freeze-backbone=false stage3.output-stride=0 stage3.iterations=2 stage3.epochs=0 stage3.batch=2 "
    "stage3.crop=65 pipeline.init=";

CommandResult make(const fs::path& run, const std::string& words, const std::string& settings = "") {
  return run_command(
      fmt::format("cd {} && unset MAKEFLAGS MAKELEVEL && make -f Makefile.pipeline CUDA=0 THREADS=1 RUN={} SET={} {}",
                  shell_quote(BOXSEG_SOURCE_DIR), shell_quote(run.string()), shell_quote(kQuick + settings), words));
}

std::string named(const OwnPhotos& photos, const fs::path& boxes) {
  return fmt::format("IMAGES={} BOXES={}", shell_quote(photos.images.string()), shell_quote(boxes.string()));
}

}  // namespace

TEST_CASE("one command gives masks, a review list and a page, and a run remembers its photographs", "[slow]") {
  const OwnPhotos photos;
  const fs::path run = photos / "a run";
  const auto first = make(run, "masks " + named(photos, photos.coco()));
  INFO(first.out << first.err);
  REQUIRE(first.exit_code == 0);
  CHECK_THAT(first.out, Contains("what to look at first"));

  const auto before = nlohmann::json::parse(read_file(photos / "boxes.json"));
  const auto after = nlohmann::json::parse(read_file(run / "masks/masks.json"));
  REQUIRE(after["annotations"].size() == 6);
  CHECK(after["images"] == before["images"]);
  CHECK(after["info"] == before["info"]);
  for (size_t i = 0; i < 6; ++i) {
    const auto &was = before["annotations"][i], &is = after["annotations"][i];
    CHECK(is["id"] == was["id"]);
    CHECK(is["note"] == "kept");
    CHECK(is["bbox"] == was["bbox"]);
    CHECK(is.contains("segmentation"));
    CHECK(is["area"].is_number());
    CHECK(is["score"].is_number());
  }
  const auto review = read_lines(read_file(run / "review.csv"));
  REQUIRE(review.size() == 7);
  CHECK_THAT(review[0], Contains("rank,image,box,class"));
  CHECK(fs::exists(run / "boxes.jpg"));
  CHECK_THAT(read_file(run / "report/index.html"),
             Contains("<a href=\"../masks/\">") && Contains("<a href=\"../review.csv\">"));
  CHECK(fs::exists(run / "stage2/bap/all/Y_crf/été.png"));
  const LabelMap empty = read_label_png(run / "stage2/bap/all/Y_crf/empty.png");
  CHECK(std::all_of(empty.pixels.begin(), empty.pixels.end(), [](uint8_t v) { return v == 0; }));

  const auto again = make(run, "masks");
  INFO(again.out << again.err);
  REQUIRE(again.exit_code == 0);
  CHECK_THAT(again.out, !Contains("---"));
  const auto why = make(run, "why");
  CHECK_THAT(why.out, Contains("stage3/nal: it was not made yet") && !Contains("stage2/"));

  write_file(run / "masks/masks.json", "{}");
  const auto mended = make(run, "masks");
  REQUIRE(mended.exit_code == 0);
  CHECK_THAT(mended.out, Contains("--- export: its files are not what was made"));
  CHECK(nlohmann::json::parse(read_file(run / "masks/masks.json")) == after);

  PYTHON_OR_SKIP(python);
  const auto read = run_command(fmt::format(
      "{} {} coco {} {}", shell_quote(python.string()), shell_quote(BOXSEG_SOURCE_DIR + "/tests/python/read_masks.py"),
      shell_quote((run / "masks/masks.json").string()), shell_quote((photos / "boxes.json").string())));
  INFO(read.out << read.err);
  CHECK(read.exit_code == 0);
}

TEST_CASE("masks come out in the format that the boxes came in", "[slow]") {
  const OwnPhotos photos;
  const fs::path run = photos / "run";
  REQUIRE(make(run, "masks " + named(photos, photos.labelme())).exit_code == 0);
  const auto file = nlohmann::json::parse(read_file(run / "masks/b c.json"));
  CHECK(file["version"] == "5.2.1");
  CHECK(file["shapes"][0]["shape_type"] == "rectangle");
  CHECK(fs::equivalent(run / "masks" / file["imagePath"].get<std::string>(), photos.images / "b c.jpg"));
  const auto yolo =
      run_command(fmt::format("{} export --dataset {} --labels {} --format yolo --output {}",
                              shell_quote(BOXSEG_BIN_DIR + "/prepare"), shell_quote((run / "dataset.h5").string()),
                              shell_quote((run / "stage2/bap/all").string()), shell_quote((photos / "yolo").string())));
  INFO(yolo.err);
  REQUIRE(yolo.exit_code == 0);
  CHECK_THAT(read_file(photos / "yolo/data.yaml"), Contains("0: \"chat noir\""));
  CHECK(read_file(photos / "yolo/labels/empty.txt").empty());
  const fs::path csv_run = photos / "csv run";
  REQUIRE(make(csv_run, "masks " + named(photos, photos.csv())).exit_code == 0);
  CHECK(read_label_png(csv_run / "masks/a.png").width == 64);
  CHECK_THAT(read_file(csv_run / "masks/classes.txt"), Contains("background\nchat noir\n"));

  // A photograph that is annotated no more takes its labels and its mask along.
  std::string fewer;
  for (const auto& line : read_lines(read_file(photos / "boxes.csv")))
    if (!line.starts_with("a.jpg")) fewer += line + "\n";
  write_file(photos / "boxes.csv", fewer);
  const auto smaller = make(csv_run, "masks");
  INFO(smaller.out << smaller.err);
  REQUIRE(smaller.exit_code == 0);
  CHECK_THAT(smaller.err, Contains("removed 2 label maps of an earlier run"));
  for (const char* gone : {"stage2/bap/all/Y_crf/a.png", "stage2/bap/all/Y_ret/a.png", "masks/a.png"})
    CHECK_FALSE(fs::exists(csv_run / gone));
  CHECK(fs::exists(csv_run / "stage2/bap/all/Y_crf/été.png"));
}

TEST_CASE("masks of another tool are judged and learnt from, and a changed one makes only what follows again",
          "[slow]") {
  const OwnPhotos photos;
  const fs::path run = photos / "a run", masks = DrawnMasks(photos).pngs(), labels = run / "stage2/bap/all";
  const auto first = make(run, "masks " + named(photos, photos.coco()) + " MASKS=" + shell_quote(masks.string()));
  INFO(first.out << first.err);
  REQUIRE(first.exit_code == 0);
  for (const auto& photo : annotated_photos())
    CHECK(read_label_png(labels / "Y_crf" / fs::path(photo.name).replace_extension(".png")) ==
          DrawnMasks::map_of(photo));
  CHECK(read_label_png(labels / "Y_ret/a.png") != read_label_png(labels / "Y_crf/a.png"));
  CHECK_THAT(read_file(run / "report/index.html"), Contains("3 of 4 images have masks of another tool as Y_crf"));
  CHECK(read_lines(read_file(run / "review.csv")).size() == 7);
  CHECK_THAT(make(run, "masks").out, !Contains("---"));

  LabelMap changed = read_label_png(masks / "a.png");
  std::fill(changed.pixels.begin(), changed.pixels.begin() + 10 * 64, uint8_t{0});
  write_label_png(masks / "a.png", changed);
  CHECK_THAT(make(run, "why").out, Contains("given_masks: what it is made from changed") &&
                                       Contains("stage2/bap/all: given_masks will be made again"));
  const auto again = make(run, "masks");
  INFO(again.out << again.err);
  REQUIRE(again.exit_code == 0);
  CHECK_THAT(again.out, Contains("--- given_masks: ") && Contains("--- stage2/bap/all: ") && Contains("--- export: ") &&
                            !Contains("--- dataset") && !Contains("--- stage1"));
  CHECK(read_label_png(labels / "Y_crf/a.png") == changed);

  const auto trained = make(run, "train");
  INFO(trained.out << trained.err);
  REQUIRE(trained.exit_code == 0);
  CHECK_THAT(trained.out, Contains("--- stage3/nal: ") && !Contains("--- stage2"));
  CHECK(fs::exists(run / "stage3/nal/segmenter.pt"));

  fs::remove(run / "given_masks/Y_crf/a.png");
  CHECK_THAT(make(run, "why").out, Contains("given_masks: its files are not what was made"));
  REQUIRE(make(run, "masks").exit_code == 0);
  CHECK(read_label_png(run / "given_masks/Y_crf/a.png") == changed);
  CHECK_THAT(make(run, "verify").out, Contains("all that was made is whole"));
}

TEST_CASE("photographs with outlines keep these and are measured by nothing, or are labelled and measured", "[slow]") {
  const OwnPhotos photos;
  const fs::path run = photos / "run";
  const std::string words = "masks " + named(photos, DrawnMasks(photos).coco(DrawnMasks::Segmentation::polygons));
  const auto kept = make(run, words);
  INFO(kept.out << kept.err);
  REQUIRE(kept.exit_code == 0);
  // The order of these boxes' classes is the other way round.
  const auto truth = [](const AnnotatedPhoto& photo) {
    LabelMap labels = DrawnMasks::map_of(photo);
    for (uint8_t& value : labels.pixels) value = value == 0 ? 0 : static_cast<uint8_t>(4 - value);
    return labels;
  };
  for (const auto& photo : annotated_photos())
    for (const char* kind : {"Y_crf", "Y_ret"})
      CHECK(read_label_png(run / "stage2/bap/all" / kind / fs::path(photo.name).replace_extension(".png")) ==
            truth(photo));
  CHECK_THAT(kept.out, !Contains("--- evaluate"));
  CHECK_FALSE(fs::exists(run / "metrics.json"));
  CHECK_THAT(read_file(run / "report/index.html"),
             Contains("3 of 4 images keep their true mask as Y_crf and Y_ret") && !Contains("mIoU 100"));

  const auto measured = make(run, words, " stage2.true-masks=ignore");
  INFO(measured.out << measured.err);
  REQUIRE(measured.exit_code == 0);
  CHECK_THAT(measured.out, Contains("--- evaluate/stage2/bap/all/y_crf"));
  CHECK(read_label_png(run / "stage2/bap/all/Y_ret/a.png") != truth(annotated_photos()[0]));
}

TEST_CASE("a classifier of other names labels what a map says that its classes stand for, and a run remembers it",
          "[slow]") {
  const OwnPhotos photos;
  const fs::path first = photos / "first", run = photos / "second";
  REQUIRE(make(first, "masks " + named(photos, photos.csv())).exit_code == 0);
  std::string lines = read_file(photos.csv());
  for (size_t at = lines.find("chat noir"); at != std::string::npos; at = lines.find("chat noir", at))
    lines.replace(at, 9, "l'animal");
  write_file(photos / "renamed.csv", lines);
  const std::string words = fmt::format("masks {} CLASSIFIER={} MAP=", named(photos, photos / "renamed.csv"),
                                        shell_quote((first / "stage1/bap/classifier.pt").string()));
  const auto wrong = make(run, words + shell_quote("chat=l'animal"));
  CHECK(wrong.exit_code != 0);
  CHECK_THAT(wrong.out + wrong.err, Contains("the classifier, whose name stands first, has no class 'chat'"));
  const auto done = make(run, words + shell_quote("chat noir=l'animal"));
  INFO(done.out << done.err);
  REQUIRE(done.exit_code == 0);
  CHECK_THAT(done.err, Contains("chat noir is taken for l'animal") && !Contains("the classifier knows"));
  CHECK(read_file(run / "stage2/bap/all/Y_crf/été.png") == read_file(first / "stage2/bap/all/Y_crf/été.png"));
  const auto again = make(run, "masks");
  REQUIRE(again.exit_code == 0);
  CHECK_THAT(again.out, !Contains("---"));
}

TEST_CASE("large photographs go through a run, and through its network, as smaller copies", "[slow]") {
  const LargePhotos photos;
  const fs::path run = photos / "run", copy = run / "data/photos/large.png";
  const std::string settings = " dataset.longest-side=100";
  const std::string named =
      fmt::format("IMAGES={} BOXES={}", shell_quote(photos.images.string()), shell_quote(photos.boxes().string()));
  const auto first = make(run, "masks " + named, settings);
  INFO(first.out << first.err);
  REQUIRE(first.exit_code == 0);
  CHECK_THAT(first.err, Contains("3 images, 2 of them smaller copies"));
  CHECK(read_rgb(copy).width == 100);
  CHECK(read_label_png(run / "stage2/bap/all/Y_crf/d/turned.png").width == 40);
  const auto masks = nlohmann::json::parse(read_file(run / "masks/masks.json"));
  CHECK(masks["annotations"][0]["bbox"] == nlohmann::json({40, 80, 200, 100}));
  CHECK_THAT(make(run, "masks", settings).out, !Contains("---"));

  // A copy that is gone is made again, to the same bytes: nothing else is.
  const std::string bytes = read_file(copy);
  fs::remove(copy);
  const auto mended = make(run, "masks", settings);
  CHECK_THAT(mended.out, Contains("--- dataset: what it is made from changed") && !Contains("--- stage1"));
  CHECK(read_file(copy) == bytes);

  REQUIRE(make(run, "train", settings).exit_code == 0);
  const auto predicted = make(run, "predict IMAGES=" + shell_quote(photos.images.string()), settings);
  INFO(predicted.out << predicted.err);
  REQUIRE(predicted.exit_code == 0);
  CHECK(read_label_png(run / "predictions/photos/large.png").width == 400);
  CHECK(read_manifest(run / "predictions/photos/manifest.h5").options.at("longest-side") == "100");

  // Another photograph under the name of one that has a copy.
  write_rgb_png(photos.images / "large.png", LargePhotos::picture(300, 400, 5));
  CHECK_THAT(make(run, "why", settings).out, Contains("dataset: what it is made from changed"));
  REQUIRE(make(run, "masks", settings).exit_code == 0);
  CHECK(read_file(copy) != bytes);
  CHECK_THAT(make(run, "clean-run", settings).out, Contains("removed"));
}

TEST_CASE("a run without photographs says what it needs", "[cpu]") {
  const TemporaryDirectory dir;
  const auto result = make(dir / "run", "masks");
  REQUIRE(result.exit_code != 0);
  CHECK_THAT(result.err, Contains("IMAGES=photos BOXES=boxes.json"));
}
