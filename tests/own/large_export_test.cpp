// Masks of smaller copies come out in the pixels of the photographs, in each format, by the real program.
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/formats/coco/coco_mask.h"
#include "common/io/label_png.h"
#include "common/io/resized.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/large_photos.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;
using Json = nlohmann::json;

namespace {

// Copies of at most 100 pixels, whose labels fill all boxes but for a corner.
struct Labelled : LargePhotos {
  Dataset dataset;
  fs::path index = *this / "dataset.h5", labels = *this / "labels";

  Labelled() : dataset(join(options(100))) {
    dataset.facts = {{"format of the boxes", "COCO JSON"}, {"boxes from", boxes().string()}};
    write_dataset(index, dataset);
    for (const ImageEntry& image : dataset.images) {
      LabelMap map(image.size.height, image.size.width);
      for (const Box& b : image.boxes)
        for (auto y = static_cast<int64_t>(b.y0); y < static_cast<int64_t>(b.y1); ++y)
          for (auto x = static_cast<int64_t>(b.x0); x < static_cast<int64_t>(b.x1); ++x)
            if (y > b.y0 + 4 || x > b.x0 + 4) map.at(y, x) = static_cast<uint8_t>(b.class_id);
      for (const char* kind : {"Y_crf", "Y_ret"})
        write_label_png(labels / kind / (image.id + ".png"), map, dataset.palette);
    }
  }
  LabelMap enlarged(size_t image) const {
    const LabelMap map = read_label_png(labels / "Y_crf" / (dataset.images[image].id + ".png"));
    return resized(map, dataset.images[image].photo_size());
  }
  void run(const std::string& program, const std::string& output, const std::string& more) const {
    const auto result = run_command(fmt::format(
        "{} {} --dataset {} --labels {} --output {} --split all {}",
        shell_quote(BOXSEG_BIN_DIR + "/" + program.substr(0, program.find(' '))), program.substr(program.find(' ') + 1),
        shell_quote(index.string()), shell_quote(labels.string()), shell_quote((*this / output).string()), more));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    CHECK_THAT(result.err, !Contains("get no mask"));
  }
};

int64_t count(const LabelMap& map, int label) { return std::count(map.pixels.begin(), map.pixels.end(), label); }

}  // namespace

TEST_CASE("COCO polygons, areas and sizes are the photograph's, in the file and in a new one", "[cpu]") {
  const Labelled photos;
  photos.run("prepare export", "masks.json", "--tolerance 0");
  const Json file = Json::parse(read_file(photos / "masks.json"));
  REQUIRE(file["annotations"].size() == 4);
  const LabelMap large = photos.enlarged(1);
  for (const auto& [number, label] : {std::pair{0, 1}, {1, 2}}) {
    const Json& annotation = file["annotations"][static_cast<size_t>(number)];
    CAPTURE(annotation.dump());
    CHECK(annotation["area"] == count(large, label));
    // Drawn again, the outline along each pixel of the copy is the enlarged mask.
    const auto drawn = mask_of_polygons(annotation["segmentation"].get<std::vector<std::vector<double>>>(), 300, 400);
    CHECK(area_of(drawn) == static_cast<uint64_t>(count(large, label)));
  }
  CHECK(file["annotations"][0]["bbox"] == Json({40, 80, 200, 100}));
  CHECK(file["annotations"][3]["area"] == count(photos.enlarged(0), 1));

  photos.run("prepare export", "smooth.json", "");
  const Json smooth = Json::parse(read_file(photos / "smooth.json"));
  const auto ring = smooth["annotations"][1]["segmentation"][0].get<std::vector<double>>();
  CHECK(*std::max_element(ring.begin(), ring.end()) == 400);

  fs::remove(photos / "boxes.json");
  photos.run("prepare export", "new.json", "--tolerance 0");
  const Json made = Json::parse(read_file(photos / "new.json"));
  CHECK(made["images"][1] == Json({{"id", 2}, {"file_name", "large.png"}, {"width", 400}, {"height", 300}}));
  CHECK(made["annotations"][1]["bbox"] == Json({40.0, 80.0, 200.0, 100.0}));
  CHECK(made["annotations"][1]["segmentation"] == file["annotations"][0]["segmentation"]);
}

TEST_CASE("a mask without a pixel has run lengths of the photograph's size", "[cpu]") {
  const Labelled photos;
  write_label_png(photos.labels / "Y_crf/large.png", LabelMap(75, 100), photos.dataset.palette);
  photos.run("prepare export", "masks.json", "");
  const Json file = Json::parse(read_file(photos / "masks.json"));
  CHECK(file["annotations"][0]["segmentation"] == Json({{"size", {300, 400}}, {"counts", {120000}}}));
  CHECK(file["annotations"][0]["area"] == 0);
}

TEST_CASE("label PNGs have the photograph's size, LabelMe its pixels, and YOLO the same shares", "[cpu]") {
  const Labelled photos;
  photos.run("prepare export", "png", "--format png");
  for (const size_t i : {0, 1, 2})
    CHECK(read_label_png(photos / "png" / (photos.dataset.images[i].id + ".png")) == photos.enlarged(i));

  photos.run("prepare export", "labelme", "--format labelme --tolerance 0");
  const Json file = Json::parse(read_file(photos / "labelme/large.json"));
  CHECK((file["imageHeight"] == 300 && file["imageWidth"] == 400));
  CHECK(fs::equivalent(photos / "labelme" / file["imagePath"].get<std::string>(), photos.images / "large.png"));
  CHECK(file["shapes"][1]["points"].front() == Json({320.0, 0.0}));

  photos.run("prepare export", "yolo", "--format yolo --tolerance 0");
  CHECK_THAT(read_file(photos / "yolo/labels/large.txt"), Contains("1 0.800000 0.000000 "));
}

TEST_CASE("the review names photographs and corners in their pixels", "[cpu]") {
  const Labelled photos;
  photos.run("evaluate review", "review.csv", "");
  const std::string review = read_file(photos / "review.csv");
  CHECK_THAT(review, Contains(",large.png,11,cat,40,80,240,180,"));
  CHECK_THAT(review, Contains(",d/turned.JPG,14,cat,50.5,100,150.5,350,"));
  CHECK_THAT(review, Contains(",small.jpg,13,dog,10,20,40,60,"));
}

TEST_CASE("an export takes the place of no photograph, whatever copies there are", "[cpu]") {
  const Labelled photos;
  const auto result = run_command(fmt::format(
      "{} export --dataset {} --labels {} --format png --output {}", shell_quote(BOXSEG_BIN_DIR + "/prepare"),
      shell_quote(photos.index.string()), shell_quote(photos.labels.string()), shell_quote(photos.images.string())));
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Contains("large.png"));
  CHECK(read_rgb(photos.images / "large.png").width == 400);
}

TEST_CASE("check and show count the copies, and check reads the photographs too", "[cpu]") {
  const Labelled photos;
  const auto prepare = [&](const char* verb) {
    return run_command(
        fmt::format("{} {} {}", shell_quote(BOXSEG_BIN_DIR + "/prepare"), verb, shell_quote(photos.index.string())));
  };
  CHECK_THAT(prepare("check").err, Contains("3 images, 2 of them smaller copies, all as they were indexed"));
  CHECK_THAT(prepare("show").out,
             Contains("2 images are smaller copies of photographs") && Contains("copy of large.png, 400x300"));
  write_rgb_png(photos.images / "large.png", LargePhotos::picture(300, 400, 9));
  const auto changed = prepare("check");
  CHECK(changed.exit_code == 3);
  CHECK_THAT(changed.out, Contains("photos/large.png: changed since it was indexed"));
}
