// `prepare coco` itself: what it says, and how it refuses.
#include <algorithm>

#include "common/data/dataset.h"
#include "tests/data/coco_folder.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

CommandResult prepare(const std::string& arguments) {
  return run_command(std::string(BOXSEG_BIN_DIR) + "/prepare " + arguments);
}

std::string words_for(const CocoFolder& coco, const std::string& split = "train") {
  return fmt::format("--split {} --annotations '{}' --images '{}' ", split, coco.file.string(), coco.images.string());
}

CommandResult index(const CocoFolder& coco, const std::string& more = "") {
  return prepare(fmt::format("coco {} --output '{}' {}", words_for(coco), (coco.directory / "d.h5").string(), more));
}

void require_refused(const CommandResult& result, int exit_code, const std::vector<std::string>& parts) {
  CAPTURE(result.err);
  REQUIRE(result.exit_code == exit_code);
  for (const auto& part : parts) REQUIRE_THAT(result.err, Contains(part));
}

}  // namespace

TEST_CASE("prepare coco says how many images stay, and writes an index that check and show read") {
  const CocoFolder coco;
  const CommandResult made =
      index(coco, "--skip-grayscale --skip-unannotated --masks '" + (coco.directory / "masks").string() + "'");
  CAPTURE(made.err);
  REQUIRE(made.exit_code == 0);
  REQUIRE_THAT(made.err, Contains("train: 2 of 4 images stay (without 1 without a box, 1 of one channel)\n") &&
                             Contains("d.h5: 2 images, 4 boxes (1 of crowds), 2 masks") &&
                             Contains("a box is left out, so its object counts as background") &&
                             Contains("1 person (1 box), 2 cat (2 boxes), 3 dog (1 box)"));
  REQUIRE_THAT(made.err, !Contains("117,040"));  // which is said of train2017 alone
  const fs::path file = coco.directory / "d.h5";
  const Dataset d = read_dataset(file);
  CHECK(d.facts.at("boxes from") == coco.file.string());
  CHECK(d.facts.at("images of one channel left out of train") == "1");
  CHECK_THAT(prepare("show '" + file.string() + "'").out, Contains("4 boxes (1 crowds), 2 images with a mask"));
  CHECK(prepare("coco --check '" + file.string() + "'").exit_code == 0);

  const CommandResult checked = prepare("check '" + file.string() + "'");
  CHECK(checked.exit_code == 0);
  CHECK_THAT(checked.err, Contains("of 2 images, which were indexed without their contents, the sizes were compared"));
  RgbImage other(40, 30);
  write_rgb_jpeg(coco.images / "000000000009.jpg", other);
  fs::remove(coco.images / "000000000025.jpg");
  const CommandResult changed = prepare("check '" + file.string() + "'");
  CHECK(changed.exit_code == 3);
  CHECK_THAT(changed.out, Contains("000000000009.jpg: changed") && Contains("000000000025.jpg: cannot be read"));
}

TEST_CASE("prepare coco writes the same index for any number of threads") {
  const CocoFolder coco;
  REQUIRE(index(coco, "--threads 1").exit_code == 0);
  const Dataset one = read_dataset(coco.directory / "d.h5");
  REQUIRE(index(coco, "--threads 3").exit_code == 0);
  const Dataset three = read_dataset(coco.directory / "d.h5");
  CHECK(one.digest("train", true) == three.digest("train", true));
  CHECK(one.facts == three.facts);
}

TEST_CASE("prepare coco names the file that is meant where another one of COCO is given") {
  const CocoFolder coco;
  const std::string images = R"({"images": [{"id": 9, "file_name": "a.jpg"}], )",
                    categories = R"("categories": [{"id": 1, "name": "person"}]})";
  const auto refuse = [&](const std::string& text, const std::vector<std::string>& parts) {
    write_file(coco.file, text);
    require_refused(index(coco), 3, parts);
    CHECK_FALSE(fs::exists(coco.directory / "d.h5"));
  };
  refuse(images + R"("annotations": [{"id": 1, "image_id": 9, "caption": "A cat."}], )" + categories,
         {"has captions without boxes; give the file of instances (instances_*.json)"});
  refuse(images + R"("annotations": [{"id": 1, "image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1],
                     "keypoints": [1, 1, 2]}], )" +
             categories,
         {"is a file of keypoints", "instances_*.json"});
  refuse(R"([{"image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}])",
         {"is a list", "give the annotation file"});
  refuse(images + R"("annotations": [{"image_id": 9, "segments_info": []}], )" + categories, {"panoptic segments"});
  refuse(images + categories.substr(0, categories.size()), {"annotations"});
}

TEST_CASE("prepare coco tells options that do not go together") {
  const CocoFolder coco;
  const std::string output = fmt::format(" --output '{}'", (coco.directory / "d.h5").string());
  const std::string file = fmt::format(" --annotations '{}'", coco.file.string());
  require_refused(prepare("coco" + output), 2, {"--split is missing"});
  require_refused(prepare("coco --split train" + output), 2, {"0 times --annotations for 1 times --split"});
  require_refused(prepare("coco --split train" + file + output), 2, {"0 times --images"});
  require_refused(prepare("coco " + words_for(coco) + words_for(coco) + output), 2,
                  {"--split 'train'", "stands twice"});
  require_refused(prepare("coco " + words_for(coco)), 2, {"--output is missing"});
  require_refused(index(coco, "--no-image-check --skip-grayscale"), 2, {"leave one of them out"});
  require_refused(index(coco, "--masks '" + coco.images.string() + "'"), 2,
                  {"--masks", "is the folder of the photographs"});
  require_refused(index(coco, "--crowd-boxes void"), 2, {"keep", "drop"});
  const CommandResult over = prepare("coco " + words_for(coco) + "--output '" + coco.file.string() + "'");
  CHECK(over.exit_code == 2);
  CHECK_THAT(read_file(coco.file), Contains("categories"));
}

TEST_CASE("prepare coco takes several splits, with one folder of photographs or one for each") {
  const CocoFolder coco;
  CocoFolder val;
  val.entries = {R"({"id": 9, "file_name": "000000581929.jpg", "height": 10, "width": 10})"};
  val.annotations = {{9, 17, "[1, 1, 5, 5]", "[]"}};
  val.write();
  const std::string file = fmt::format("--split val --annotations '{}' ", val.file.string());
  require_refused(index(coco, file), 3, {"would have the id 000000581/000000581929"});
  fs::rename(coco.images / "000000581929.jpg", coco.images / "000000009999.jpg");
  CocoFolder train = CocoFolder();
  train.entries[0] = R"({"id": 581929, "file_name": "000000009999.jpg", "height": 10, "width": 10})";
  fs::copy(val.images / "000000581929.jpg", coco.images / "000000581929.jpg");
  train.write(coco.file);
  const CommandResult made = index(coco, file);
  CAPTURE(made.err);
  REQUIRE(made.exit_code == 0);
  const Dataset d = read_dataset(coco.directory / "d.h5");
  CHECK((d.split("train").size() == 4 && d.split("val").size() == 1));
  CHECK(d.facts.at("boxes from val") == val.file.string());
  CHECK(d.facts.count("boxes from") == 0);
}

TEST_CASE("Masks of a split are exported into the annotations that the split came from") {
  const CocoFolder coco;
  CocoFolder val;
  val.entries = {R"({"id": 9, "file_name": "000000007777.jpg", "height": 30, "width": 40})"};
  val.annotations = {{9, 17, "[1, 1, 5, 5]", "[[1, 1, 6, 1, 6, 6, 1, 6]]"}};
  val.write();
  fs::copy(val.images / "000000000009.jpg", val.images / "000000007777.jpg");
  const fs::path file = coco.directory / "d.h5", labels = coco.directory / "masks",
                 output = coco.directory / "out.json";
  const CommandResult made = index(coco, words_for(val, "val") + "--masks '" + labels.string() + "'");
  CAPTURE(made.err);
  REQUIRE(made.exit_code == 0);
  const CommandResult written =
      prepare(fmt::format("export --dataset '{}' --split val --labels '{}' --format coco --tolerance 0 --output '{}'",
                          file.string(), labels.string(), output.string()));
  CAPTURE(written.err);
  REQUIRE(written.exit_code == 0);
  const std::string text = read_file(output);
  CHECK_THAT(text, Contains("000000007777.jpg") && !Contains("581929") && Contains("\"area\": 25"));
  // An index over the annotations of either split would be the end of them.
  for (const auto& [split, input] : {std::pair{"train", coco.file}, {"val", val.file}}) {
    const CommandResult over =
        prepare(fmt::format("export --dataset '{}' --split {} --labels '{}' --format coco --output '{}'", file.string(),
                            split, labels.string(), input.string()));
    CHECK(over.exit_code == 2);
  }
}
