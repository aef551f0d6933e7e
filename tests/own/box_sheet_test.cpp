// The picture of all boxes: what is in it, and what it is refused for.
#include "data/box_sheet.h"

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/formats/box_reader.h"
#include "common/data/photos_with_boxes.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/photos.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

Dataset dataset_of(const OwnPhotos& photos, const fs::path& boxes) {
  PhotosWithBoxesOptions options;
  options.images = photos.images;
  options.boxes = boxes;
  PhotosWithBoxesReport report;
  return join_photos_and_boxes(read_boxes(boxes, 1), options, report);
}

CommandResult prepare(const std::string& words) {
  return run_command(shell_quote(BOXSEG_BIN_DIR + "/prepare") + " " + words);
}

int64_t yellow_pixels(const RgbImage& image, int64_t x0, int64_t x1) {
  int64_t count = 0;
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = x0; x < x1; ++x) {
      const uint8_t* p = &image.pixels[static_cast<size_t>(3 * (y * image.width + x))];
      count += p[0] > 200 && p[1] > 180 && p[2] < 90;
    }
  return count;
}

}  // namespace

TEST_CASE("the sheet shows photographs with suspicious boxes first, and marks these", "[cpu]") {
  const std::vector<AnnotatedObject> plain = {{"vélo", 40, 30, 200, 150}};
  const OwnPhotos photos({{"a.jpg", 320, 240, plain}, {"b.jpg", 320, 240, {{"vélo", 0, 0, 320, 240}}}});
  const Dataset dataset = dataset_of(photos, photos.coco());
  const std::string said = write_box_sheet(photos / "sheet.jpg", dataset, 2);
  CHECK(said == "2 photographs, 1 with boxes that look like mistakes first");
  const RgbImage sheet = read_rgb(photos / "sheet.jpg");
  REQUIRE(sheet.width > 640);
  CHECK(yellow_pixels(sheet, 0, sheet.width / 2) > 1000);
  CHECK(yellow_pixels(sheet, sheet.width / 2, sheet.width) < 100);
}

TEST_CASE("of many photographs 200 are shown", "[cpu]") {
  std::vector<AnnotatedPhoto> many;
  for (int i = 0; i < 230; ++i) many.push_back({fmt::format("{:03}.png", i), 24, 16, {{"vélo", 2, 2, 20, 14}}});
  const OwnPhotos photos(many);
  CHECK(write_box_sheet(photos / "sheet.jpg", dataset_of(photos, photos.csv()), 2) == "200 of 230 photographs");
  CHECK(read_rgb(photos / "sheet.jpg").height < 2000);
}

TEST_CASE("prepare writes the sheet beside an index, and never over a photograph", "[cpu]") {
  const OwnPhotos photos;
  const std::string all = fmt::format("boxes --images {} --boxes {} --output {}", shell_quote(photos.images.string()),
                                      shell_quote(photos.coco().string()), shell_quote((photos / "d.h5").string()));
  const auto made = prepare(all + " --sheet " + shell_quote((photos / "boxes.jpg").string()));
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  CHECK_THAT(made.err, Contains("boxes.jpg: 4 photographs"));
  const auto check = [&](const fs::path& sheet) {
    return prepare("check " + shell_quote((photos / "d.h5").string()) + " --sheet " + shell_quote(sheet.string()));
  };
  CHECK(check(photos / "again.jpeg").exit_code == 0);
  CHECK(read_file(photos / "again.jpeg") == read_file(photos / "boxes.jpg"));
  const auto png = check(photos / "sheet.png");
  CHECK(png.exit_code == 2);
  CHECK_THAT(png.err, Contains("sheet.png: expected a name that ends in .jpg"));
  CHECK(check(photos.images / "a.jpg").exit_code == 2);
}

TEST_CASE("many classes are named up to a number, and the rest is counted", "[cpu]") {
  AnnotatedPhoto photo{"a.jpg", 320, 240, {}};
  std::vector<std::string> classes;
  for (int i = 0; i < 25; ++i) {
    classes.push_back(fmt::format("class {:02}", i));
    photo.objects.push_back({classes.back(), 10 * i, 10, 10 * i + 20, 60});
  }
  const OwnPhotos photos({photo}, classes);
  const auto made = prepare(fmt::format("boxes --images {} --boxes {} --output {}", shell_quote(photos.images.string()),
                                        shell_quote(photos.coco().string()), shell_quote((photos / "d.h5").string())));
  CHECK_THAT(made.err, Contains("20 class 19 (1 box) and 5 more"));
}
