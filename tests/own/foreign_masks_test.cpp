// Masks of another tool: the same label maps from each format, and what is told or refused.
#include "data/foreign/foreign_masks.h"

#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/data/dataset.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/drawn_masks.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Segmentation = DrawnMasks::Segmentation;

CommandResult prepare(const std::string& words) {
  return run_command(shell_quote(BOXSEG_BIN_DIR + "/prepare") + " " + words);
}

struct World {
  OwnPhotos photos;
  DrawnMasks drawn{photos};
  explicit World(bool is_from_coco = true) {
    const fs::path from = is_from_coco ? photos.coco() : photos.labelme();
    const auto made =
        prepare(fmt::format("boxes --quiet --images {} --boxes {} --output {}", shell_quote(photos.images.string()),
                            shell_quote(from.string()), shell_quote((photos / "dataset.h5").string())));
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
  }
  CommandResult take(const fs::path& masks, const std::string& output, const std::string& more = "") const {
    return prepare(fmt::format("labels --split all --masks {} --dataset {} --output {} {}", shell_quote(masks.string()),
                               shell_quote((photos / "dataset.h5").string()), shell_quote((photos / output).string()),
                               more));
  }
  std::string refusal(const fs::path& masks, const std::string& more = "") const {
    const auto result = take(masks, "refused", more);
    CHECK((result.exit_code == 3 || result.exit_code == 2));
    CHECK_FALSE(fs::exists(photos / "refused/Y_crf"));
    CHECK_FALSE(fs::exists(photos / "refused/manifest.h5"));
    return result.err;
  }
  std::map<std::string, Digest> taken(const std::string& output) const {
    std::map<std::string, Digest> maps;
    for (const auto& file : read_manifest(photos / output / "manifest.h5").outputs) maps[file.path] = file.digest;
    return maps;
  }
};

}  // namespace

TEST_CASE("each format of masks gives the same label maps", "[cpu]") {
  const World world;
  std::map<std::string, Digest> expected;
  for (const auto& photo : annotated_photos())
    if (!photo.objects.empty())
      expected[fmt::format("Y_crf/{}.png", fs::path(photo.name).stem().string())] =
          digest_of_labels(DrawnMasks::map_of(photo));
  REQUIRE(expected.size() == 3);
  const DrawnMasks& drawn = world.drawn;
  int number = 0;
  for (const fs::path& masks :
       {drawn.pngs(), drawn.renamed_pngs(), drawn.coco(Segmentation::polygons), drawn.coco(Segmentation::list),
        drawn.coco(Segmentation::text), drawn.results(Segmentation::polygons), drawn.results(Segmentation::text),
        drawn.folder_of_results(), drawn.labelme(), drawn.cvat(false), drawn.cvat(true), drawn.yolo()}) {
    const std::string output = fmt::format("taken {}", ++number);
    const auto result = world.take(masks, output);
    INFO(masks << "\n" << result.err);
    REQUIRE(result.exit_code == 0);
    CHECK(world.taken(output) == expected);
    CHECK_THAT(result.err, Contains("1 of 4 images have no mask, and 0 boxes"));
    const Manifest manifest = read_manifest(world.photos / output / "manifest.h5");
    CHECK(manifest.facts.at("classes") == "background\nchat noir\nvélo\nzèbre");
    CHECK(manifest.inputs.at("dataset") == read_dataset(world.photos / "dataset.h5").digest("all", false));
  }
}

TEST_CASE("masks of photographs that the dataset lacks are told and left out, unless all are", "[cpu]") {
  const World world;
  const fs::path pngs = world.drawn.pngs();
  write_label_png(pngs / "other.png", LabelMap(48, 64, 1));
  const auto result = world.take(pngs, "taken");
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.err, Contains("1 of 4 masks are of no image of the dataset and left out") && Contains("'other'"));
  CHECK(world.taken("taken").size() == 3);
  for (const char* name : {"a", "b c", "été"}) fs::remove(pngs / (std::string(name) + ".png"));
  CHECK_THAT(world.refusal(pngs), Contains("none of the 1 masks is of an image of the dataset") && Contains("'other'"));
}

TEST_CASE("pixels of a class that has no box there are said to become background", "[cpu]") {
  const World world;
  const fs::path pngs = world.drawn.pngs();
  CHECK_THAT(world.take(pngs, "fit").err, !Contains("become background"));
  const LabelMap before = read_label_png(pngs / "a.png");
  LabelMap after = before;
  const auto painted = std::count_if(before.pixels.begin(), before.pixels.end(), [](uint8_t v) { return v != 0; });
  for (uint8_t& value : after.pixels) value = value == 0 ? 0 : static_cast<uint8_t>(value % 3 + 1);
  write_label_png(pngs / "a.png", after);
  const auto result = world.take(pngs, "odd");
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.err, Contains("1 of 3 masks have more than a tenth of their pixels in no box") &&
                             Contains(fmt::format("of {} in {}", painted, (pngs / "a.png").string())));
}

TEST_CASE("masks that do not fit are refused with file and place", "[cpu]") {
  const World world;
  const DrawnMasks& drawn = world.drawn;
  SECTION("of another size") {
    const fs::path pngs = drawn.pngs();
    write_label_png(pngs / "a.png", LabelMap(64, 48, 1));
    CHECK_THAT(world.refusal(pngs), Contains("a.png: has 48x64 pixels, image 'a' has 64x48") && Contains("exchanged"));
    const auto skipped = world.take(pngs, "skipped", "--on-bad-image skip");
    REQUIRE(skipped.exit_code == 0);
    CHECK_THAT(skipped.err, Contains("left out: ") && Contains("2 of 4 images have no mask"));
    CHECK(world.taken("skipped").size() == 2);
  }
  SECTION("outlines of another size") {
    std::string text = read_file(drawn.coco(Segmentation::polygons));
    text.replace(text.find("\"width\": 64, \"height\": 48"), 25, "\"width\": 32, \"height\": 24");
    write_file(drawn.folder / "small.json", text);
    CHECK_THAT(world.refusal(drawn.folder / "small.json"),
               Contains("small.json: 'a.jpg' is of 32x24 pixels, image 'a' has 64x48"));
  }
  SECTION("of a class that the dataset lacks") {
    std::string text = read_file(drawn.coco(Segmentation::polygons));
    text.replace(text.find("zèbre"), std::string("zèbre").size(), "horse");
    write_file(drawn.folder / "horse.json", text);
    CHECK_THAT(world.refusal(drawn.folder / "horse.json"),
               Contains("annotations[5] is of class 'horse', which the dataset lacks; it has: chat noir, vélo, zèbre"));
    write_file(drawn.renamed_pngs() / "classes.txt", "background\nhorse\nvélo\nchat noir\n");
    CHECK_THAT(world.refusal(drawn.folder / "renamed"), Contains("holds the value 1, which is 'horse' in"));
  }
  SECTION("boxes alone") {
    CHECK_THAT(world.refusal(world.photos.coco()), Contains("none of its 6 objects (COCO JSON) has an outline"));
    CHECK_THAT(world.refusal(world.photos.voc()), Contains("none of its 6 objects (VOC XML) has an outline"));
  }
  SECTION("no masks at all") {
    CHECK_THAT(world.refusal(drawn.folder / "gone"), Contains("no such file or folder"));
    fs::create_directories(drawn.folder / "empty");
    CHECK_THAT(world.refusal(drawn.folder / "empty"), Contains("holds neither label PNGs nor annotations"));
    CHECK_THAT(world.refusal(drawn.pngs() / "a.png"), Contains("is one PNG; name the folder"));
    write_file(drawn.folder / "sam.json",
               R"([{"segmentation": [[1, 1, 9, 1, 9, 9]], "area": 32, "bbox": [1, 1, 8, 8]}])");
    CHECK_THAT(world.refusal(drawn.folder / "sam.json"), Contains("a list of masks without 'image_id'"));
  }
  SECTION("two of one image") {
    fs::copy_file(drawn.pngs() / "a.png", drawn.folder / "pngs/a.jpg.png");
    CHECK_THAT(world.refusal(drawn.folder / "pngs"), Contains("is of a.jpg, and so is that of 'a"));
  }
  SECTION("with label maps beside") {
    CHECK_THAT(world.refusal(drawn.pngs(), "--y-crf " + shell_quote(drawn.folder.string())),
               Contains("--masks goes without --y-crf and --y-ret"));
  }
}

TEST_CASE("an object without an outline leaves its box open", "[cpu]") {
  const World world;
  nlohmann::json file = nlohmann::json::parse(read_file(world.drawn.coco(Segmentation::polygons)));
  file["annotations"][3]["segmentation"] = nlohmann::json::array();  // the small cat of été.png
  file["annotations"][3]["bbox"] = {1, 1, 8, 8};
  file["annotations"][5]["segmentation"] = nlohmann::json::array();  // its zebra, beside the large cat
  file["annotations"][5]["bbox"] = {10, 0, 15, 50};
  write_file(world.drawn.folder / "open.json", file.dump());
  const auto result = world.take(world.drawn.folder / "open.json", "open");
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.err, Contains("and 2 boxes of the others"));
  AnnotatedPhoto photo = annotated_photos()[2];
  photo.objects = {photo.objects[1]};
  LabelMap expected = DrawnMasks::map_of(photo);
  for (int64_t y = 0; y < 50; ++y)
    for (int64_t x = 0; x < 50; ++x) {
      const bool is_in_cat = x >= 1 && x < 9 && y >= 1 && y < 9, is_in_zebra = x >= 10 && x < 25;
      if ((is_in_cat || is_in_zebra) && expected.at(y, x) == 0) expected.at(y, x) = 255;
    }
  CHECK(read_label_png(world.photos / "open/Y_crf/été.png") == expected);
}

TEST_CASE("of several detections of a box the surest is taken, and ids need the file that they were made for",
          "[cpu]") {
  const World world;
  const AnnotatedPhoto& photo = annotated_photos()[0];
  const AnnotatedObject shifted{"chat noir", 8, 10, 33, 44}, elsewhere{"zèbre", 40, 25, 60, 45};
  const auto add = [&](const AnnotatedObject& o, double score) {
    return DrawnMasks::detection(0, o, DrawnMasks::segmentation(photo, o, Segmentation::text), score);
  };
  const auto expected = [&](const std::vector<AnnotatedObject>& objects) {
    return DrawnMasks::map_of({photo.name, photo.width, photo.height, objects});
  };
  // No box of the photograph is a zebra's.
  REQUIRE(world.take(world.drawn.results(Segmentation::text, add(shifted, 0.3) + ", " + add(elsewhere, 1)), "low")
              .exit_code == 0);
  CHECK(read_label_png(world.photos / "low/Y_crf/a.png") == expected(photo.objects));
  REQUIRE(world.take(world.drawn.results(Segmentation::text, add(shifted, 0.95)), "high").exit_code == 0);
  CHECK(read_label_png(world.photos / "high/Y_crf/a.png") == expected({shifted, photo.objects[1]}));

  CHECK_THAT(world.refusal(world.drawn.results(Segmentation::text, R"({"image_id": 101, "category_id": 4})")),
             Contains("results.json: [0] is of category 4, which the dataset lacks; it has 3 chat noir, 5 vélo"));
  const World other(false);
  CHECK_THAT(other.refusal(other.drawn.results(Segmentation::text)),
             Contains("the dataset keeps none (its boxes came as LabelMe)"));
}

TEST_CASE("masks of the photograph are reduced to the smaller copy that the dataset has", "[cpu]") {
  const World world;
  Dataset dataset = read_dataset(world.photos / "dataset.h5");
  for (ImageEntry& image : dataset.images) {
    image.source_size = image.size;
    image.size = {image.size.height / 2, (image.size.width + 1) / 2};
    for (Box& box : image.boxes) box.x0 /= 2, box.y0 /= 2, box.x1 /= 2, box.y1 /= 2;
  }
  const DrawnMasks& drawn = world.drawn;
  for (const fs::path& path : {drawn.pngs(), drawn.coco(Segmentation::polygons), drawn.cvat(true), drawn.yolo(),
                               drawn.results(Segmentation::text)}) {
    INFO(path);
    const ForeignMasks masks(path, dataset, false, 1);
    for (size_t i = 0; i < dataset.images.size(); ++i) {
      const auto photo = std::find_if(annotated_photos().begin(), annotated_photos().end(),
                                      [&](const auto& p) { return p.name == dataset.images[i].path; });
      if (photo->objects.empty()) continue;
      REQUIRE(masks.has(static_cast<int64_t>(i)));
      const LabelMap whole = DrawnMasks::map_of(*photo);
      const LabelMap small = masks.reader().read(masks.mask_of(static_cast<int64_t>(i)), dataset.images[i]);
      REQUIRE((small.height == whole.height / 2 && small.width == (whole.width + 1) / 2));
      for (int64_t y = 0; y < small.height; ++y)
        for (int64_t x = 0; x < small.width; ++x)
          if (small.at(y, x) != whole.at(2 * y + 1, 2 * x + 1)) FAIL_CHECK("at " << y << ", " << x);
    }
  }
}
