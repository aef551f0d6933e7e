// COCO's annotation files with their photographs, as a dataset.
#include "common/data/formats/coco/coco_dataset.h"

#include "common/data/formats/coco/coco_result_ids.h"
#include "tests/data/coco_folder.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

CocoDatasetOptions options_for(const CocoFolder& coco) {
  CocoDatasetOptions options;
  options.splits = {{"train", coco.file, coco.images}};
  options.threads = 2;
  return options;
}

Dataset index(const CocoDatasetOptions& options) {
  CocoDatasetReport report;
  return index_coco(options, report);
}

std::string refusal_of(const CocoDatasetOptions& options) {
  const Failure failure = failure_of([&] { index(options); });
  REQUIRE(failure.kind == ErrorKind::bad_input);
  return failure.message;
}

std::string refusal_of(const CocoFolder& coco) {
  coco.write();
  return refusal_of(options_for(coco));
}

std::vector<std::string> ids_of(const Dataset& dataset) {
  std::vector<std::string> ids;
  for (const auto& image : dataset.images) ids.push_back(image.id);
  return ids;
}

// "17 2 3 32 23, ..." with the categories' ids.
std::string boxes_of(const Dataset& dataset, size_t image) {
  std::vector<std::string> boxes;
  for (const Box& b : dataset.images.at(image).boxes)
    boxes.push_back(fmt::format("{} {} {} {} {}{}", dataset.class_ids.at(static_cast<size_t>(b.class_id) - 1), b.x0,
                                b.y0, b.x1, b.y1, b.is_crowd ? " crowd" : ""));
  return join(boxes, ", ");
}

}  // namespace

TEST_CASE("COCO's images and boxes are indexed with the ids of the file", "[cpu]") {
  const CocoFolder coco;
  CocoDatasetReport report;
  const Dataset d = index_coco(options_for(coco), report);
  REQUIRE(d.class_names == std::vector<std::string>{"background", "person", "cat", "dog"});
  REQUIRE(d.class_ids == std::vector<std::string>{"1", "17", "18"});
  REQUIRE(d.root == coco.images);
  REQUIRE(d.box_numbers == BoxNumbers::edges);
  REQUIRE(ids_of(d) == std::vector<std::string>{"000000000/000000000009", "000000000/000000000025",
                                                "000000000/000000000030", "000000581/000000581929"});
  REQUIRE(d.splits == std::map<std::string, std::vector<int64_t>>{{"train", {0, 1, 2, 3}}});
  REQUIRE(coco_result_ids(d).images == std::vector<std::string>{"9", "25", "30", "581929"});
  CHECK(boxes_of(d, 0) == "17 2 3 32 23, 18 4 5 8 11");
  CHECK(boxes_of(d, 1) == "1 5 0 10 20 crowd, 17 0 0 3 20");
  CHECK(boxes_of(d, 2) == "18 1 1 6.5 7");
  CHECK(boxes_of(d, 3).empty());
  CHECK(d.images[0].path == "000000000009.jpg");
  CHECK(d.images[0].size == ImageSize{30, 40});
  CHECK(d.images[0].image_digest.empty());
  CHECK(d.images[0].box_ids == std::vector<std::string>{"900", "911"});
  CHECK((report.boxes == 5 && report.crowds == 1 && report.images_without_boxes == 1));
  // A box without area is left out, which is no reason to stop: train2017 has two.
  REQUIRE(report.lost_boxes.size() == 1);
  CHECK_THAT(report.lost_boxes[0], Contains("annotations[2]: box (6, 8.33, 7.03, 8.33) has no pixel of 000000000009"));
}

TEST_CASE("Images of one channel, and those without a box, are left out where that is asked, and counted", "[cpu]") {
  const CocoFolder coco;
  CocoDatasetOptions options = options_for(coco);
  CocoDatasetReport report;
  options.skips_grayscale = true;
  CHECK(ids_of(index_coco(options, report)) ==
        std::vector<std::string>{"000000000/000000000009", "000000000/000000000025", "000000581/000000581929"});
  CHECK((report.splits[0].grayscale == 1 && report.splits[0].unannotated == 0 && report.splits[0].indexed == 3));
  options.skips_unannotated = true;
  CHECK(index_coco(options, report).images.size() == 2);
  CHECK((report.splits[0].grayscale == 1 && report.splits[0].unannotated == 1 && report.splits[0].annotated == 4));
}

TEST_CASE("Crowds enter as boxes unless they are dropped, and then leave images without a box", "[cpu]") {
  CocoFolder coco;
  std::erase_if(coco.annotations, [](const CocoAnnotation& a) { return a.image_id == 25 && !a.is_crowd; });
  coco.write();
  CocoDatasetOptions options = options_for(coco);
  options.skips_unannotated = true;
  CHECK(index(options).images.size() == 3);
  options.keeps_crowds = false;
  const Dataset d = index(options);
  CHECK(ids_of(d) == std::vector<std::string>{"000000000/000000000009", "000000000/000000000030"});
}

TEST_CASE("Masks have the smaller object on top, crowds as void, and all of an image without annotation as background",
          "[cpu]") {
  const CocoFolder coco;
  CocoDatasetOptions options = options_for(coco);
  options.masks = coco.directory / "masks";
  options.keeps_crowds = false;  // they are void all the same
  const Dataset d = index(options);
  LabelMap expected(30, 40);
  const auto fill = [&](int x0, int y0, int x1, int y1, uint8_t value) {
    for (int y = y0; y < y1; ++y)
      for (int x = x0; x < x1; ++x) expected.at(y, x) = value;
  };
  fill(2, 3, 12, 23, 2), fill(22, 3, 32, 13, 2), fill(4, 5, 8, 11, 3);
  CHECK(d.images[0].mask_path == "../masks/000000000/000000000009.png");
  CHECK((read_label_png(d.mask_path(d.images[0])).pixels == expected.pixels));
  CHECK(d.images[0].mask_digest == digest_of_file(d.mask_path(d.images[0])));
  expected = LabelMap(20, 20);
  fill(5, 0, 7, 20, 255), fill(7, 10, 8, 20, 255), fill(8, 0, 10, 20, 255), fill(0, 0, 3, 20, 2);
  CHECK((read_label_png(d.mask_path(d.images[1])).pixels == expected.pixels));
  CHECK((read_label_png(d.mask_path(d.images[3])).pixels == LabelMap(10, 10).pixels));
}

TEST_CASE("An image with an annotation without outline has no mask, since its pixels would count as background",
          "[cpu]") {
  CocoFolder coco;
  coco.annotations[1].segmentation = "[]";
  coco.write();
  CocoDatasetOptions options = options_for(coco);
  options.masks = coco.directory / "masks";
  CocoDatasetReport report;
  const Dataset d = index_coco(options, report);
  CHECK(d.images[0].mask_path.empty());
  CHECK(report.images_with_mask == 3);
  CHECK_THAT(report.doubts.back(),
             Contains("1 images have annotations without an outline") && Contains("000000000009"));
}

TEST_CASE("Without a check of images none is touched, and sizes are the file's", "[cpu]") {
  CocoFolder coco;
  fs::remove_all(coco.images);
  CocoDatasetOptions options = options_for(coco);
  options.looks_at_images = false;
  REQUIRE(index(options).images[0].size == ImageSize{30, 40});
  coco.entries[0] = R"({"id": 581929, "file_name": "000000581929.jpg"})";
  coco.write();
  CHECK_THAT(refusal_of(options), Contains("'000000581929.jpg' has no 'height' and 'width'"));
}

TEST_CASE("Photographs that are not there are counted, the first are named, and where they are", "[cpu]") {
  CocoFolder coco;
  fs::rename(coco.images, coco.directory / "elsewhere");
  CHECK_THAT(refusal_of(coco), Contains("4 of its 4 images are not in") &&
                                   Contains("000000000009.jpg, 000000000025.jpg, 000000000030.jpg and 1 more; there is "
                                            "no such folder"));
  fs::create_directories(coco.images);
  CHECK_THAT(refusal_of(coco), Contains("--images " + (coco.directory / "elsewhere").string()));
  fs::rename(coco.directory / "elsewhere", coco.images / "all");
  CHECK_THAT(refusal_of(coco), Contains("--images " + (coco.images / "all").string()));
  fs::rename(coco.images / "all/000000000030.jpg", coco.images / "000000000030.jpg");
  CHECK_THAT(refusal_of(coco), Contains("3 of its 4 images"));
  CocoDatasetOptions options = options_for(coco);
  options.skips_bad_images = true;
  CocoDatasetReport report;
  CHECK(ids_of(index_coco(options, report)) == std::vector<std::string>{"000000000/000000000030"});
  REQUIRE(report.skipped.size() == 3);
  CHECK_THAT(report.skipped[0], Contains("image '000000000009.jpg' is not in"));
}

TEST_CASE("A photograph of another size than annotated, or that is none, is an error or left out", "[cpu]") {
  CocoFolder coco;
  coco.entries[1] = CocoFolder::image(9, 40, 30);
  CHECK_THAT(refusal_of(coco), Contains("'000000000009.jpg' has 30x40 pixels") && Contains("has 40x30"));
  write_file(coco.images / "000000000025.jpg", "hello");
  CHECK_THAT(refusal_of(coco), Contains("(2 of 4 images are bad"));
  CocoDatasetOptions options = options_for(coco);
  options.skips_bad_images = true;
  options.masks = coco.directory / "masks";
  CocoDatasetReport report;
  CHECK(index_coco(options, report).images.size() == 2);
  CHECK(report.splits[0].skipped == 2);
  CHECK_FALSE(fs::exists(options.masks / "000000000/000000000009.png"));
}

TEST_CASE("Boxes beside their image, and names that leave the folder, are refused with their place", "[cpu]") {
  CocoFolder coco;
  coco.annotations[1].bbox = "[50, 5, 4, 6]";
  CHECK_THAT(refusal_of(coco), Contains("annotations[1]: box (50, 5, 54, 11) has no pixel"));
  for (const char* name : {"../a.jpg", "/a.jpg", "d/.."}) {
    CocoFolder other;
    other.entries[0] = fmt::format(R"({{"id": 581929, "file_name": "{}", "height": 9, "width": 9}})", name);
    CHECK_THAT(refusal_of(other), Contains(fmt::format("'file_name' {} is no path below the folder", name)));
  }
}

TEST_CASE("Nothing is written where an image is bad", "[cpu]") {
  CocoFolder coco;
  coco.entries[0] = CocoFolder::image(581929, 9, 9);
  coco.write();
  CocoDatasetOptions options = options_for(coco);
  options.masks = coco.directory / "masks";
  refusal_of(options);
  CHECK_FALSE(fs::exists(options.masks));
}

TEST_CASE("Splits of several files and folders share a root, and each keeps the ids of its own file", "[cpu]") {
  const CocoFolder coco;
  CocoFolder val;
  val.entries = {R"({"id": 9, "file_name": "d/cat 7.jpg", "height": 30, "width": 40})"};
  std::erase_if(val.annotations, [](const CocoAnnotation& a) { return a.image_id != 9; });
  fs::create_directories(coco.directory / "val2017/d");
  fs::copy(val.images / "000000000009.jpg", coco.directory / "val2017/d/cat 7.jpg");
  val.write();
  CocoDatasetOptions options = options_for(coco);
  options.splits.push_back({"val", val.file, coco.directory / "val2017/"});
  Dataset d = index(options);
  CHECK(d.root == coco.directory.path());
  CHECK(d.splits["val"] == std::vector<int64_t>{4});
  CHECK((d.images[4].id == "d/cat 7" && d.images[4].path == "val2017/d/cat 7.jpg"));
  CHECK(d.images[0].path == "train2017/000000000009.jpg");
  d.facts["format of the boxes"] = "COCO JSON";
  CHECK(coco_result_ids(d).images == std::vector<std::string>{"9", "25", "30", "581929", "9"});

  val.categories = R"({"id": 1, "name": "person"}, {"id": 17, "name": "dog"}, {"id": 18, "name": "cat"})";
  val.write();
  CHECK_THAT(refusal_of(options), Contains(val.file.string() + ": has 3 categories and '17 dog'") &&
                                      Contains("has 3 and '17 cat': the classes of all splits must be the same"));
  options.splits[1] = {"val", coco.file, coco.images};
  CHECK_THAT(refusal_of(options), Contains("would have the id 000000000/000000000009 of an image of"));
}

TEST_CASE("Ids put at most a thousand label maps into a folder, whatever else is indexed", "[cpu]") {
  CHECK(coco_image_id("000000581929.jpg") == "000000581/000000581929");
  CHECK(coco_image_id("COCO_val2014_000000000042.jpg") == "COCO_val2014_000000000/COCO_val2014_000000000042");
  CHECK(coco_image_id("train2017/000000000009.jpg") == "train2017/000000000/000000000009");
  CHECK(coco_image_id("d.e/1234.jpeg") == "d.e/1/1234");
  for (const char* name : {"123", "a 123", "cat", "12345b"}) CHECK(coco_image_id(std::string(name) + ".jpg") == name);
}
