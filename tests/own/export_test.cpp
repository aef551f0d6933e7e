// `prepare export` of label maps that are there: masks of boxes and of classes, in each format.
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/dataset.h"
#include "common/io/label_png.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/photos.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Json = nlohmann::json;

// The photographs, an index of them, and label maps Y_crf in which the lower half of each box is its class; in Y_ret
// only its left half is.
struct Labelled : OwnPhotos {
  fs::path index = *this / "dataset.h5", labels = *this / "labels";
  explicit Labelled(const fs::path& boxes) {
    const auto made =
        run_command(fmt::format("{} boxes --images {} --boxes {} --output {}", prepare(), shell_quote(images.string()),
                                shell_quote(boxes.string()), shell_quote(index.string())));
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
    for (const auto& image : read_dataset(index).images) {
      LabelMap crf(image.size.height, image.size.width), ret = crf;
      for (const Box& box : image.boxes) {
        const auto x0 = static_cast<int64_t>(box.x0), x1 = static_cast<int64_t>(box.x1),
                   y1 = static_cast<int64_t>(box.y1);
        for (auto y = static_cast<int64_t>(box.y0 + box.y1) / 2; y < y1; ++y)
          for (int64_t x = x0; x < x1; ++x) {
            crf.at(y, x) = static_cast<uint8_t>(box.class_id);
            if (x < (x0 + x1) / 2) ret.at(y, x) = static_cast<uint8_t>(box.class_id);
          }
      }
      write_label_png(labels / "Y_crf" / (image.id + ".png"), crf);
      write_label_png(labels / "Y_ret" / (image.id + ".png"), ret);
    }
  }
  static std::string prepare() { return shell_quote(BOXSEG_BIN_DIR + "/prepare"); }
  CommandResult write(const std::string& output, const std::string& options) const {
    return run_command(fmt::format("{} export --dataset {} --labels {} --output {} --tolerance 0 {}", prepare(),
                                   shell_quote(index.string()), shell_quote(labels.string()),
                                   shell_quote((*this / output).string()), options));
  }
};

}  // namespace

TEST_CASE("masks of classes are one object for each class and photograph, in a COCO file of their own", "[cpu]") {
  const OwnPhotos photos;
  const Labelled labelled(photos.coco());
  const auto done = labelled.write("classes.json", "--format coco --instances per_class");
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK_THAT(done.err, Contains("5 masks as coco"));
  const Json file = Json::parse(read_file(labelled / "classes.json"));
  CHECK(file["images"].size() == 4);
  CHECK_FALSE(file.contains("info"));
  REQUIRE(file["annotations"].size() == 5);
  const auto found = std::find_if(file["annotations"].begin(), file["annotations"].end(),
                                  [](const Json& annotation) { return annotation["area"] == 4 * 8 + 15 * 30; });
  REQUIRE(found != file["annotations"].end());  // both cats of été.png
  CHECK((*found)["category_id"] == 1);
  CHECK((*found)["bbox"] == Json({1, 5, 49, 45}));
  CHECK((*found)["score"] == 0.5);
  CHECK((*found)["segmentation"].size() == 2);

  REQUIRE(labelled.write("boxes out.json", "--format coco --instances per_box").exit_code == 0);
  REQUIRE(labelled.write("usual.json", "--format coco").exit_code == 0);
  CHECK(read_file(labelled / "boxes out.json") == read_file(labelled / "usual.json"));
  const Json usual = Json::parse(read_file(labelled / "usual.json"));
  CHECK(usual["annotations"].size() == 6);
  CHECK(usual.contains("info"));
}

TEST_CASE("masks of classes are lines of YOLO and polygons of LabelMe, and label PNGs have none", "[cpu]") {
  const OwnPhotos photos;
  const Labelled labelled(photos.labelme());
  REQUIRE(labelled.write("yolo", "--format yolo --instances per_class").exit_code == 0);
  const auto lines = read_lines(read_file(labelled / "yolo/labels/été.txt"));
  REQUIRE(lines.size() == 2);
  CHECK((lines[0].starts_with("0 ") && lines[1].starts_with("2 ")));
  REQUIRE(labelled.write("labelme out", "--instances per_class").exit_code == 0);
  const Json file = Json::parse(read_file(labelled / "labelme out/été.json"));
  REQUIRE(file["shapes"].size() == 3 + 3);  // the boxes, and two polygons of cats and one of a zebra
  CHECK(file["shapes"][3]["group_id"] == file["shapes"][4]["group_id"]);
  CHECK(file["shapes"][3]["label"] == "chat noir");
  CHECK(file["shapes"][5]["group_id"] != file["shapes"][4]["group_id"]);
  const auto refused = labelled.write("png", "--format png --instances per_class");
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("--instances per_class: label PNGs have classes and no objects"));
}

TEST_CASE("boxes without a mask are counted by exports that have no form for them", "[cpu]") {
  const OwnPhotos photos({{"a.jpg", 64, 48, {{"vélo", 4, 4, 30, 40}, {"zèbre", 32, 4, 60, 40}}}});
  LabelMap labels(48, 64);
  for (int64_t y = 10; y < 30; ++y)
    for (int64_t x = 10; x < 25; ++x) labels.at(y, x) = 1;  // vélo; nothing is a zèbre
  write_label_png(photos / "labels/a.png", labels, voc_palette());
  const std::string prepare = shell_quote(BOXSEG_BIN_DIR + "/prepare"), index = shell_quote((photos / "d.h5").string());
  REQUIRE(run_command(fmt::format("{} boxes --images {} --boxes {} --output {}", prepare,
                                  shell_quote(photos.images.string()), shell_quote(photos.csv().string()), index))
              .exit_code == 0);
  const auto exported = [&](const std::string& format) {
    const auto result = run_command(fmt::format("{} export --dataset {} --labels {} --format {} --output {}", prepare,
                                                index, shell_quote((photos / "labels").string()), format,
                                                shell_quote((photos / ("as " + format)).string())));
    CHECK(result.exit_code == 0);
    return result.err;
  };
  const std::string told = "1 of 2 boxes have an empty mask, which ";
  CHECK_THAT(exported("yolo"), Contains(told + "yolo has no form for"));
  CHECK(read_lines(read_file(photos / "as yolo/labels/a.txt")).size() == 1);
  CHECK_THAT(exported("labelme"), Contains(told + "labelme has no form for"));
  CHECK_THAT(exported("png"), !Contains("empty mask"));
  CHECK_THAT(exported("coco"), !Contains("empty mask"));
}

TEST_CASE("label PNGs are void where the two kinds of labels disagree, if that is asked for", "[cpu]") {
  const OwnPhotos photos;
  const Labelled labelled(photos.csv());
  const auto done = labelled.write("agreed", "--format png --agreement");
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  int64_t void_pixels = 0;
  for (const auto& image : read_dataset(labelled.index).images) {
    const auto map = [&](const fs::path& folder) { return read_label_png(folder / (image.id + ".png")); };
    const LabelMap crf = map(labelled.labels / "Y_crf"), ret = map(labelled.labels / "Y_ret"),
                   agreed = map(labelled / "agreed");
    for (size_t i = 0; i < crf.pixels.size(); ++i) {
      REQUIRE(agreed.pixels[i] == (crf.pixels[i] == ret.pixels[i] ? crf.pixels[i] : kVoid));
      void_pixels += agreed.pixels[i] == kVoid;
    }
  }
  CHECK(void_pixels > 100);
  const auto outlines = labelled.write("out.json", "--format coco --agreement");
  CHECK(outlines.exit_code == 2);
  CHECK_THAT(outlines.err, Contains("--agreement: goes with label PNGs"));
  fs::remove_all(labelled.labels / "Y_ret");
  const auto alone = labelled.write("alone", "--format png --agreement");
  CHECK(alone.exit_code == 3);
  CHECK_THAT(alone.err, Contains("has no Y_ret of image"));
}
