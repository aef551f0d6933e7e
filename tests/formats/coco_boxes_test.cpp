// COCO's annotation files: what they say in the usual form, and in the forms that other tools write.
#include "common/data/formats/coco/coco_boxes.h"

#include "common/base/text.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

const std::string kImages =
    R"({"id": 3, "file_name": "d e/b.jpg", "width": 60, "height": 50}, {"id": 5, "file_name": "a.jpg", "width": 40, "height": 30})";
const std::string kCategories =
    R"({"id": 7, "name": "dog", "supercategory": "animal"}, {"id": 2, "name": "cat", "supercategory": "animal"})";

// An annotation of the cat in image 3.
std::string annotation(const std::string& fields) {
  return R"({"id": 1, "image_id": 3, "category_id": 2, )" + fields + "}";
}

struct CocoFile {
  test::TemporaryDirectory dir;
  fs::path path = dir / "boxes of \xC3\xA9.json";

  explicit CocoFile(const std::string& bytes) { write_file(path, bytes); }
  CocoFile(const std::string& images, const std::string& categories, const std::string& annotations)
      : CocoFile(R"({"info": {}, "licenses": [], "images": [)" + images + R"(], "categories": [)" + categories +
                 R"(], "annotations": [)" + annotations + "]}") {}

  BoxAnnotations read(int threads = 2) const { return read_coco_boxes(path, threads); }
  std::string error() const {
    const test::Failure failure = test::failure_of([&] { read(); });
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE_THAT(failure.message, StartsWith(path.string() + ": "));
    return failure.message.substr(path.string().size() + 2);
  }
};

BoxAnnotations read_one(const std::string& fields) { return CocoFile(kImages, kCategories, annotation(fields)).read(); }

// "a.jpg: cat 1 2 3 4, dog 5 6 7 8; ..."
std::string boxes_of(const BoxAnnotations& all) {
  std::vector<std::string> images;
  for (const AnnotatedImage& image : all.images) {
    std::vector<std::string> boxes;
    for (const AnnotatedBox& b : image.boxes)
      boxes.push_back(fmt::format("{} {} {} {} {}", b.class_name, b.x0, b.y0, b.x1, b.y1));
    images.push_back(image.name + ": " + join(boxes, ", "));
  }
  return join(images, "; ");
}

const AnnotatedBox& only_box(const BoxAnnotations& all) {
  REQUIRE(all.bad_boxes.empty());
  REQUIRE(all.images.size() == 2);
  REQUIRE(all.images[1].boxes.size() == 1);
  return all.images[1].boxes[0];
}

}  // namespace

TEST_CASE("A COCO file gives its boxes in edges, its classes by id, and its images by name", "[cpu]") {
  const CocoFile file(kImages, kCategories,
                      annotation(R"("bbox": [5, 7.5, 10, 12], "iscrowd": 0, "area": 120)") +
                          R"(, {"id": 9, "image_id": 5, "category_id": 7, "bbox": [0, 0, 40, 30], "iscrowd": 1})" +
                          R"(, {"id": 10, "image_id": 5, "category_id": 2, "bbox": [1, 2, 3, 4], "iscrowd": true})");
  const BoxAnnotations all = file.read();
  REQUIRE(all.format == "COCO JSON");
  REQUIRE(all.class_names == std::vector<std::string>{"cat", "dog"});
  REQUIRE(all.class_ids == std::vector<std::string>{"2", "7"});
  REQUIRE((all.has_class_order && !all.is_in_shares));
  REQUIRE(boxes_of(all) == "a.jpg: dog 0 0 40 30, cat 1 2 4 6; d e/b.jpg: cat 5 7.5 15 19.5");
  REQUIRE((all.bad_boxes.empty() && all.doubts.empty()));
  const AnnotatedImage &a = all.images[0], &b = all.images[1];
  REQUIRE((a.id == "5" && a.file == file.path && a.size == ImageSize{30, 40}));
  REQUIRE((b.id == "3" && b.size == ImageSize{50, 60}));
  REQUIRE((a.boxes[0].is_crowd && a.boxes[1].is_crowd && !b.boxes[0].is_crowd && !b.boxes[0].is_difficult));
  REQUIRE((a.boxes[0].id == "9" && a.boxes[0].place == "annotations[1]"));
}

TEST_CASE("An image without annotations is an image without boxes", "[cpu]") {
  REQUIRE(boxes_of(CocoFile(kImages, kCategories, "").read()) == "a.jpg: ; d e/b.jpg: ");
}

TEST_CASE("Ids of images may be texts, and 3.0 is 3", "[cpu]") {
  const CocoFile file(R"({"id": "x\/1", "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"})", kCategories,
                      R"({"id": "q", "image_id": "x/1", "category_id": 2.0, "bbox": [1, 2, 3, 4]},)"
                      R"({"image_id": 3.0, "category_id": 7, "bbox": [5, 6, 7, 8]})");
  const BoxAnnotations all = file.read();
  REQUIRE(boxes_of(all) == "a.jpg: cat 1 2 4 6; b.jpg: dog 5 6 12 14");
  REQUIRE((all.images[0].id == "x/1" && all.images[0].boxes[0].id == "q" && all.images[1].boxes[0].id.empty()));
  REQUIRE((all.images[0].size == ImageSize{} && all.doubts.empty()));
}

TEST_CASE("The number of threads changes nothing", "[cpu]") {
  std::string annotations;
  for (int i = 0; i < 2000; ++i)
    annotations +=
        fmt::format(R"({}{{"id": {}, "image_id": {}, "category_id": {}, "bbox": [{}, 1, {}, 4]}})", i > 0 ? "," : "", i,
                    i % 3 == 0   ? 5
                    : i % 7 == 0 ? 99
                                 : 3,
                    i % 11 == 0 ? 8 : 2, i % 20, i % 13 == 0 ? -1 : 3);
  const CocoFile file(kImages, kCategories, annotations);
  const BoxAnnotations one = file.read(1), many = file.read(4);
  REQUIRE((one.bad_boxes.size() > 200 && one.doubts.size() == 1));
  REQUIRE((boxes_of(one) == boxes_of(many) && one.bad_boxes == many.bad_boxes && one.doubts == many.doubts));
}

TEST_CASE("Polygons are rings, and run lengths are runs", "[cpu]") {
  const std::string box = R"("bbox": [1, 2, 10, 10], "segmentation": )";
  const AnnotatedBox polygons = only_box(read_one(box + "[[1, 2, 11, 2, 11, 12], [1, 2, 1, 12.5, 5, 12]]"));
  REQUIRE(polygons.rings == std::vector<std::vector<double>>{{1, 2, 11, 2, 11, 12}, {1, 2, 1, 12.5, 5, 12}});
  REQUIRE(polygons.runs.empty());
  const AnnotatedBox list = only_box(read_one(box + R"({"counts": [100, 5, 2895], "size": [50, 60]})"));
  REQUIRE((list.rings.empty() && list.runs == std::vector<uint32_t>{100, 5, 2895}));
  REQUIRE(list.runs_size == ImageSize{50, 60});
  const AnnotatedBox text = only_box(read_one(box + R"({"counts": "T35_j2", "size": [50, 60]})"));
  REQUIRE(text.runs == std::vector<uint32_t>{100, 5, 2895});  // as pycocotools writes them
}

TEST_CASE("Without 'bbox' the box is what the segmentation spans, and this is said", "[cpu]") {
  for (const char* none : {"", R"("bbox": null, )", R"("bbox": [], )"}) {
    const BoxAnnotations polygon =
        read_one(std::string(none) + R"("segmentation": [[5, 9, 3, 4, 8, 6.5], [1, 5, 2, 6, 2, 5]])");
    REQUIRE(boxes_of(polygon) == "a.jpg: ; d e/b.jpg: cat 1 4 8 9");
    REQUIRE_THAT(polygon.doubts.at(0),
                 Contains("annotations[0] has no 'bbox': its box is what its 'segmentation' spans"));
  }
  // Three pixels from row 48 of column 2 on: two columns, all rows.
  REQUIRE(boxes_of(read_one(R"("segmentation": {"counts": [148, 3, 2849], "size": [50, 60]})")) ==
          "a.jpg: ; d e/b.jpg: cat 2 0 4 50");
  for (const char* nothing :
       {R"("segmentation": [])", R"("segmentation": {"counts": [3000], "size": [50, 60]})", R"("area": 3)"})
    REQUIRE_THAT(read_one(nothing).bad_boxes.at(0), Contains("annotations[0] has neither 'bbox' nor 'segmentation'"));
}

TEST_CASE("A bad box is told with its place, and takes no other along", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"("bbox": [1, NaN, 3, 4])", "has NaN as 'bbox'"},
      {R"("bbox": [1, 2, 3, Infinity])", "has Infinity as 'bbox'"},
      {R"("bbox": [1, 2, 1e9, 4])", "has 1000000000 in 'bbox', expected pixels"},
      {R"("bbox": [1, 2, 1e999, 4])", "too large"},
      {R"("bbox": [9, 2, -3, 4])", "the box [9, 2, -3, 4], of which the width is negative"},
      {R"("bbox": [9, 2, 3, -4])", "of which the height is negative"},
      {R"("bbox": [1, 2, 3])", "has a 'bbox' of 3 numbers, expected x, y, width, height"},
      {R"("bbox": [1, 2, 3, 4, 30])", "has a 'bbox' of 5 numbers"},
      {R"("bbox": [[1, 2, 3, 4]])", "has [1,2,3,4] in 'bbox', expected numbers"},
      {R"("bbox": ["1", "2", "3", "4"])", R"(has "1" in 'bbox', expected numbers)"},
      {R"("bbox": {"x": 1, "y": 2})", R"(has {"x":1,"y":2} as 'bbox', expected a list of numbers)"},
      {R"("bbox": [1, null, 3, 4])", "has null in 'bbox'"},
      {R"("category_id": 4, "bbox": [1, 2, 3, 4])", "is of category 4, which 'categories' lacks (it has 2, 7)"},
      {R"("category_id": "2", "bbox": [1, 2, 3, 4])", R"(is of category "2", which 'categories' lacks (it has 2, 7))"},
      {R"("category_id": null, "bbox": [1, 2, 3, 4])", "has null as 'category_id'"},
      {R"("image_id": 1.5, "bbox": [1, 2, 3, 4])", "has 1.5 as 'image_id'"},
  };
  for (const auto& [fields, message] : bad) {
    CAPTURE(fields);
    const CocoFile file(kImages, kCategories, annotation(fields) + "," + annotation(R"("bbox": [1, 2, 3, 4])"));
    const BoxAnnotations all = file.read();
    REQUIRE(boxes_of(all) == "a.jpg: ; d e/b.jpg: cat 1 2 4 6");
    REQUIRE(all.bad_boxes.size() == 1);
    REQUIRE_THAT(all.bad_boxes[0], StartsWith(file.path.string() + ": annotations[0] ") && Contains(message));
  }
}

TEST_CASE("An entry that is no object, or lacks its class or image, is a bad box", "[cpu]") {
  const CocoFile file(kImages, kCategories,
                      R"(7, null, {"image_id": 3, "bbox": [1, 2, 3, 4]}, {"category_id": 2, "bbox": [1, 2, 3, 4]})");
  const auto bad = file.read().bad_boxes;
  REQUIRE(bad.size() == 4);
  REQUIRE_THAT(bad[0], Contains("annotations[0] is 7, expected an object"));
  REQUIRE_THAT(bad[2], Contains("annotations[2] has no 'category_id'"));
  REQUIRE_THAT(bad[3], Contains("annotations[3] has no 'image_id'"));
}

TEST_CASE("An outline that cannot be used is left out, and its box stays", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> odd = {
      {"[1, 2, 11, 2, 11, 12]", "has 1 in 'segmentation', expected a list of polygons"},
      {"[[[1, 2], [11, 2], [11, 12]]]", "has [1,2] in 'segmentation', expected numbers"},
      {"[[1, 2, 11, 2, 11, 12, 5]]", "has a polygon of 7 numbers"},
      {R"({"counts": [3, 4], "size": [50, 60]})", "has run lengths for 7 pixels, its 'size' is 50x60"},
      {R"({"counts": [1200], "size": [30, 40]})", "has a mask of 40x30 in 'segmentation', its image is of 60x50"},
      {R"({"counts": "b'TS5'", "size": [50, 60]})", "has Python's way to print bytes"},
      {R"({"counts": "\u00e9", "size": [50, 60]})", "is none of a compressed mask"},
      {"5", "has 5 as 'segmentation', expected polygons or run lengths"},
      {"[[1e300, 2, 11, 2, 11, 12]]", "in 'segmentation', expected pixels"},
  };
  for (const auto& [segmentation, message] : odd) {
    CAPTURE(segmentation);
    const BoxAnnotations all = read_one(R"("bbox": [1, 2, 10, 10], "segmentation": )" + segmentation);
    const AnnotatedBox& box = only_box(all);
    REQUIRE((box.x1 == 11 && box.rings.empty() && box.runs.empty()));
    REQUIRE(all.doubts.size() == 1);
    REQUIRE_THAT(all.doubts[0], Contains("annotations[0] has ") && Contains(message) &&
                                    EndsWith("; the box is taken without its outline"));
    REQUIRE_THAT(read_one(R"("segmentation": )" + segmentation).bad_boxes.at(0),
                 Contains("annotations[0] has no 'bbox', and has ") && Contains(message));
  }
  for (const char* none : {"null", "[]", "[[]]", "{}"}) {
    const BoxAnnotations all = read_one(fmt::format(R"("bbox": [1, 2, 10, 10], "segmentation": {})", none));
    REQUIRE((only_box(all).rings.empty() && all.doubts.empty()));
  }
  const BoxAnnotations some =
      read_one(R"("bbox": [1, 2, 10, 10], "segmentation": [[1, 2, 11, 12], [1, 2, 11, 2, 11, 12]])");
  REQUIRE(only_box(some).rings == std::vector<std::vector<double>>{{1, 2, 11, 2, 11, 12}});
  REQUIRE_THAT(some.doubts.at(0), Contains("has a polygon of 2 points") && Contains("with the rest of its outline"));
}

TEST_CASE("Flags may be numbers or true and false", "[cpu]") {
  REQUIRE(only_box(read_one(R"("bbox": [1, 2, 3, 4], "iscrowd": 1.0)")).is_crowd);
  REQUIRE(!only_box(read_one(R"("bbox": [1, 2, 3, 4], "iscrowd": false)")).is_crowd);
  REQUIRE(!only_box(read_one(R"("bbox": [1, 2, 3, 4], "iscrowd": null)")).is_crowd);
  REQUIRE(only_box(read_one(R"("bbox": [1, 2, 3, 4], "difficult": true)")).is_difficult);
  const BoxAnnotations ignored = read_one(R"("bbox": [1, 2, 3, 4], "ignore": 1)");
  REQUIRE((only_box(ignored).is_difficult && ignored.doubts.size() == 1));
  const BoxAnnotations text = read_one(R"("bbox": [1, 2, 3, 4], "iscrowd": "1")");
  REQUIRE(!only_box(text).is_crowd);
  REQUIRE_THAT(text.doubts.at(0), Contains(R"(has "1" as 'iscrowd', expected 0 or 1; it is taken as 0)"));
}
