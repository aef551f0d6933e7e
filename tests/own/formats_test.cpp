// Photographs and boxes of one's own: the same dataset from each format, and what is refused.
#include <algorithm>

#include "common/base/error.h"
#include "common/data/class_list.h"
#include "common/data/formats/box_reader.h"
#include "common/data/photos_with_boxes.h"
#include "common/data/suspicious_boxes.h"
#include "tests/own/photos.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

Dataset join(const OwnPhotos& photos, const fs::path& boxes, PhotosWithBoxesReport& report,
             PhotosWithBoxesOptions options = {}) {
  options.images = photos.images;
  options.boxes = boxes;
  if (options.class_names.empty()) options.class_names = with_background(annotated_classes(), "test");
  const BoxAnnotations annotations = read_boxes(boxes, 2);
  for (const auto& bad : annotations.bad_boxes) FAIL(bad);
  return join_photos_and_boxes(annotations, options, report);
}

}  // namespace

TEST_CASE("each format gives the same dataset", "[cpu]") {
  const OwnPhotos photos;
  PhotosWithBoxesReport report;
  const Dataset expected = join(photos, photos.coco(), report);
  REQUIRE(expected.images.size() == 4);
  REQUIRE(expected.box_numbers == BoxNumbers::edges);
  REQUIRE(report.boxes == 6);
  REQUIRE(report.clipped_boxes == 0);
  const auto image =
      std::find_if(expected.images.begin(), expected.images.end(), [](const ImageEntry& e) { return e.id == "été"; });
  REQUIRE(image != expected.images.end());
  REQUIRE(image->boxes[1].x0 == 20);
  REQUIRE(image->boxes[1].x1 == 50);
  REQUIRE(image->box_ids.size() == 3);
  for (const fs::path& boxes : {photos.yolo(), photos.csv(), photos.labelme(), photos.cvat(), photos.voc()}) {
    CAPTURE(boxes);
    PhotosWithBoxesReport other;
    const Dataset dataset = join(photos, boxes, other);
    CHECK(dataset.digest("all", false) == expected.digest("all", false));
  }
}

TEST_CASE("classes come from the boxes, or a list fixes their order", "[cpu]") {
  const OwnPhotos photos;
  PhotosWithBoxesReport report;
  PhotosWithBoxesOptions options;
  options.class_names = {"background", "zèbre", "vélo", "chat noir"};
  const Dataset dataset = join(photos, photos.csv(), report, options);
  REQUIRE(dataset.class_names == options.class_names);
  options.class_names = {"background", "zèbre", "vélo"};
  const Failure failure = failure_of([&] { join(photos, photos.csv(), report, options); });
  REQUIRE(failure.kind == ErrorKind::bad_input);
  REQUIRE_THAT(failure.message, Contains("'chat noir' (3 boxes)"));
}

TEST_CASE("a share for validation is drawn by the seed, each image by itself", "[cpu]") {
  const OwnPhotos photos;
  PhotosWithBoxesReport report;
  PhotosWithBoxesOptions options;
  options.validation_share = 0.5;
  const Dataset one = join(photos, photos.csv(), report, options), again = join(photos, photos.coco(), report, options);
  REQUIRE(one.splits == again.splits);
  options.validation_share = 0;
  REQUIRE(join(photos, photos.csv(), report, options).splits.size() == 1);
}

TEST_CASE("what does not fit the photographs is refused by name, or left out", "[cpu]") {
  const OwnPhotos photos;
  PhotosWithBoxesReport report;
  PhotosWithBoxesOptions skip;
  skip.skips_bad_images = true;
  const auto refused = [&](const std::string& csv) {
    write_file(photos / "odd.csv", "image,xmin,ymin,xmax,ymax,class\n" + csv);
    const Failure failure = failure_of([&] { join(photos, photos / "odd.csv", report); });
    return failure.kind == ErrorKind::bad_input ? failure.message : "not bad input: " + failure.message;
  };
  CHECK_THAT(refused("gone.jpg,1,1,5,5,vélo\na.jpg,1,1,5,5,vélo\n"), Contains("image 'gone.jpg' is not in"));
  PhotosWithBoxesReport left_out;
  REQUIRE(join(photos, photos / "odd.csv", left_out, skip).images.size() == 1);
  REQUIRE(left_out.skipped.size() == 1);
  CHECK_THAT(refused("gone.jpg,1,1,5,5,vélo\n"), Contains("none of the 1 images"));
  CHECK_THAT(refused("a.jpg,70,1,90,5,vélo\n"), Contains("has no pixel of a.jpg, which has 64x48"));
  PhotosWithBoxesReport clipped;
  write_file(photos / "odd.csv", "image,xmin,ymin,xmax,ymax,class\na.jpg,-5,10,70,60,vélo\n");
  const Dataset dataset = join(photos, photos / "odd.csv", clipped);
  REQUIRE(clipped.clipped_boxes == 1);
  CHECK_THAT(clipped.most_clipped_box, Contains("odd.csv: line 2: (-5, 10, 70, 60) on 64x48 pixels"));
  REQUIRE(dataset.images[0].boxes[0].x0 == 0);
  REQUIRE(dataset.images[0].boxes[0].x1 == 64);
  REQUIRE(dataset.images[0].boxes[0].y1 == 48);
  REQUIRE(clipped.photos_without_annotation == 3);
}

TEST_CASE("boxes that look like mistakes are told", "[cpu]") {
  const OwnPhotos photos;
  PhotosWithBoxesReport report;
  write_file(photos / "odd.csv",
             "image,xmin,ymin,xmax,ymax,class\na.jpg,0,0,64,48,vélo\na.jpg,5,5,7,40,vélo\nb c.jpg,3,3,30,30,vélo\n"
             "b c.jpg,3,3,31,30,vélo\n");
  const auto sentences = suspicious_boxes(join(photos, photos / "odd.csv", report));
  REQUIRE(sentences.size() == 3);
  CHECK_THAT(sentences[0], Contains("less than 4 pixels"));
  CHECK_THAT(sentences[1], Contains("holds its whole image"));
  CHECK_THAT(sentences[2], Contains("drawn twice"));
}
