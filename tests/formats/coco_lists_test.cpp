// COCO files whose lists of images, categories or annotations are odd as a whole, and files that are something else.
#include "common/data/formats/coco/coco_boxes.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

const std::string kImages =
    R"({"id": 3, "file_name": "b.jpg", "width": 60, "height": 50}, {"id": 5, "file_name": "a.jpg", "width": 40, "height": 30})";
const std::string kCategories = R"({"id": 2, "name": "cat"}, {"id": 7, "name": "dog"})";
const std::string kAnnotations =
    R"({"id": 1, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4]}, {"id": 2, "image_id": 5, "category_id": 7, "bbox": [5, 6, 7, 8]})";

std::string coco(const std::string& images = kImages, const std::string& categories = kCategories,
                 const std::string& annotations = kAnnotations) {
  return R"({"images": [)" + images + R"(], "categories": [)" + categories + R"(], "annotations": [)" + annotations +
         "]}";
}

struct File {
  test::TemporaryDirectory dir;
  fs::path path = dir / "a.json";
  explicit File(const std::string& bytes) { write_file(path, bytes); }
};

BoxAnnotations read(const std::string& bytes) { return read_coco_boxes(File(bytes).path, 2); }

std::string error_of(const std::string& bytes) {
  const File file(bytes);
  const test::Failure failure = test::failure_of([&] { read_coco_boxes(file.path, 2); });
  REQUIRE(failure.kind == ErrorKind::bad_input);
  REQUIRE_THAT(failure.message, StartsWith(file.path.string() + ": "));
  return failure.message;
}

std::string doubts_of(const BoxAnnotations& all) {
  std::string text;
  for (const auto& doubt : all.doubts) text += doubt + "\n";
  return text;
}

size_t boxes_in(const BoxAnnotations& all) {
  size_t boxes = 0;
  for (const auto& image : all.images) boxes += image.boxes.size();
  return boxes;
}

std::string boxes(const std::string& bbox, int count) {  // of image 5, which is of 40 x 30 pixels
  std::string text;
  for (int i = 0; i < count; ++i)
    text += (i > 0 ? "," : "") + (R"({"image_id": 5, "category_id": 2, "bbox": )" + bbox + "}");
  return text;
}

}  // namespace

TEST_CASE("Files that are no COCO annotations with boxes are refused with what they are", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> other = {
      {R"([{"image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}])",
       "if these are detections (results)"},
      {"[]", "is a list, not an object"},
      {coco(kImages, kCategories, R"({"id": 1, "image_id": 3, "caption": "A cat."})"), "has captions without boxes"},
      {coco(kImages, kCategories,
            R"({"image_id": 3, "file_name": "b.png", "segments_info": [{"id": 1, "bbox": [1, 2, 3, 4]}]})"),
       "has panoptic segments, which stand in PNGs"},
      {coco(kImages, kCategories, R"({"image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4], "keypoints": [1, 2, 2]})"),
       "is a file of keypoints"},
      {coco(kImages, kCategories, R"({"image_id": 3, "category_id": 2, "keypoints": [1, 2, 2]})"),
       "has keypoints without"},
      {R"({"images": [], "categories": []})", "'images' is an empty list"},
      {R"({"images": [)" + kImages + R"(], "categories": [)" + kCategories + "]}", "has no list 'annotations'"},
      {R"({"images": [)" + kImages + R"(], "annotations": []})", "has no list 'categories'"},
      {coco(kImages, ""), "'categories' is an empty list"},
      {coco(kImages, R"({"id": 0, "name": "_background_"})"), "'categories' has the background alone"},
      {R"({"images": {"3": "b.jpg"}, "categories": [], "annotations": []})", "has no list 'images'"},
      {"", "is no JSON"},
      {"hello", "is no JSON"},
      {"5", "has no list 'images'"},
      {coco().substr(0, coco().size() - 9), "is no JSON"},
      {coco() + coco(), "is no JSON"},
      {"\xff\xfe{\0}\0", "is UTF-16 text; save it as UTF-8"},
      {coco(R"({"id": 3, "file_name": ")"
            "\xE9"
            R"(.jpg"})"),
       "UTF-8"},
  };
  for (const auto& [bytes, message] : other) {
    CAPTURE(bytes);
    REQUIRE_THAT(error_of(bytes), Contains(message));
  }
  REQUIRE(test::failure_of([] { read_coco_boxes("/no/such.json", 1); }).mentions("/no/such.json: "));
  const test::TemporaryDirectory folder;
  REQUIRE(test::failure_of([&] { read_coco_boxes(folder.path(), 1); }).kind == ErrorKind::bad_input);
}

TEST_CASE("Boxes beside an empty list of keypoints are read", "[cpu]") {
  REQUIRE(boxes_in(read(coco(
              kImages, kCategories,
              R"({"image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4], "keypoints": [], "num_keypoints": 0})"))) ==
          1);
}

TEST_CASE("A byte order mark, Windows' line ends and escaped names are read", "[cpu]") {
  const BoxAnnotations all = read("\xEF\xBB\xBF" + coco("\r\n"
                                                        R"({"id": 3, "file_name": "C:\\photos\\caf\u00e9 1.jpg"})"
                                                        "\r\n"));
  REQUIRE(all.images.at(0).name == "C:\\photos\\caf\xC3\xA9 1.jpg");
}

TEST_CASE("Images need an id and a name of their own", "[cpu]") {
  REQUIRE_THAT(error_of(coco(R"({"id": 3})")), Contains("images[0] has no 'file_name'"));
  REQUIRE_THAT(error_of(coco(R"({"file_name": "a.jpg"})")), Contains("images[0] has no 'id'"));
  REQUIRE_THAT(error_of(coco(R"({"id": 3, "file_name": ""})")), Contains(R"(images[0] has "" as 'file_name')"));
  REQUIRE_THAT(error_of(coco(R"({"id": 3, "file_name": 12})")), Contains("images[0] has 12 as 'file_name'"));
  REQUIRE_THAT(error_of(coco(kImages + R"(, {"id": 3, "file_name": "c.jpg"})")),
               Contains("images[2] has the id 3 of images[0], and another 'file_name'"));
}

TEST_CASE("An image that stands twice is one, and said to be", "[cpu]") {
  for (const char* id : {"3", "8"}) {
    const BoxAnnotations all =
        read(coco(kImages + R"(, {"id": )" + id + R"(, "file_name": "b.jpg", "width": 60, "height": 50})", kCategories,
                  kAnnotations + R"(, {"id": 3, "image_id": )" + id + R"(, "category_id": 2, "bbox": [7, 7, 1, 1]})"));
    REQUIRE((all.images.size() == 2 && all.images[1].boxes.size() == 2 && all.images[1].size == ImageSize{50, 60}));
    REQUIRE_THAT(doubts_of(all), Contains("images[2] has the 'file_name' 'b.jpg' of an image before it"));
  }
  const BoxAnnotations other = read(coco(kImages + R"(, {"id": 8, "file_name": "b.jpg", "width": 61, "height": 50})"));
  REQUIRE(other.images[1].size == ImageSize{});
  REQUIRE_THAT(doubts_of(other), Contains("images[2] has another size than the image of the same 'file_name'"));
}

TEST_CASE("A size that is none is no size, and is said unless it is left open", "[cpu]") {
  for (const char* open :
       {R"("width": null, "height": null)", R"("width": -1, "height": -1)", R"("width": 0, "height": 0)"}) {
    const BoxAnnotations all = read(coco(std::string(R"({"id": 3, "file_name": "b.jpg", )") + open + "}"));
    REQUIRE((all.images[0].size == ImageSize{} && doubts_of(all).find("size") == std::string::npos));
  }
  const BoxAnnotations text = read(coco(R"({"id": 3, "file_name": "b.jpg", "width": "60", "height": 50})"));
  REQUIRE(text.images[0].size == ImageSize{});
  REQUIRE_THAT(doubts_of(text), Contains(R"(images[0] has "60" as 'width', expected pixels)"));
}

TEST_CASE("Categories need an id and a name of their own", "[cpu]") {
  const auto error = [](const std::string& categories) { return error_of(coco(kImages, categories)); };
  REQUIRE_THAT(error(R"({"id": 2})"), Contains("categories[0] has no 'name'"));
  REQUIRE_THAT(error(R"({"id": 2, "name": " "})"), Contains(R"(categories[0] has " " as 'name')"));
  REQUIRE_THAT(error(R"({"name": "cat"})"), Contains("categories[0] has no 'id'"));
  REQUIRE_THAT(error(R"({"id": 2, "name": "cat"}, {"id": 2, "name": "dog"})"),
               Contains("categories[1] has the id 2 of categories[0] and the name 'dog', there 'cat'"));
  REQUIRE_THAT(error(R"({"id": 2, "name": "cat"}, {"id": "7", "name": "dog"})"),
               Contains("use either numbers or texts"));
  const BoxAnnotations twice = read(coco(kImages, kCategories + R"(, {"id": 2, "name": "cat"})"));
  REQUIRE((twice.class_names == std::vector<std::string>{"cat", "dog"} && twice.doubts.size() == 1));
}

TEST_CASE("Categories of one name are one class", "[cpu]") {
  const BoxAnnotations all = read(coco(kImages, R"({"id": 7, "name": " cat "}, {"id": 2, "name": "cat"})"));
  REQUIRE((all.class_names == std::vector<std::string>{"cat"} && boxes_in(all) == 2));
  REQUIRE_THAT(doubts_of(all), Contains("categories[0] has the name 'cat' of a category before it"));
}

TEST_CASE("The background is no class, and the parent of the others may be none", "[cpu]") {
  const BoxAnnotations all = read(coco(kImages, R"({"id": 2, "name": "__background__"}, {"id": 7, "name": "dog"})"));
  REQUIRE((all.class_names == std::vector<std::string>{"dog"} && boxes_in(all) == 1 && all.bad_boxes.empty()));
  REQUIRE_THAT(doubts_of(all), Contains("categories[0] is named '__background__': it is no class"));
  const std::string of_roboflow =
      R"({"id": 0, "name": "pets", "supercategory": "none"}, {"id": 2, "name": "cat", "supercategory": "pets"}, {"id": 7, "name": "dog", "supercategory": "pets"})";
  const BoxAnnotations pets = read(coco(kImages, of_roboflow));
  REQUIRE(pets.class_names == std::vector<std::string>{"pets", "cat", "dog"});
  REQUIRE_THAT(doubts_of(pets), Contains("category 'pets' is the 'supercategory' of others and has no annotation"));
}

TEST_CASE("Annotations of unknown images are left out and counted, and refused where there are no others", "[cpu]") {
  const std::string other = R"({"image_id": 99, "category_id": 2, "bbox": [1, 2, 3, 4]})";
  const BoxAnnotations all = read(coco(kImages, kCategories, other + "," + kAnnotations + "," + other));
  REQUIRE((boxes_in(all) == 2 && all.bad_boxes.empty()));
  REQUIRE_THAT(doubts_of(all), Contains("annotations[0] is of image 99, which 'images' lacks (it has 3, 5): it is left "
                                        "out (and 1 more like it)"));
  const std::string as_text = R"({"image_id": "3", "category_id": 2, "bbox": [1, 2, 3, 4]})";
  REQUIRE_THAT(
      error_of(coco(kImages, kCategories, as_text)),
      Contains(R"(is of image "3", which 'images' lacks (it has 3, 5))") && Contains("none of the 1 annotations"));
}

TEST_CASE("Ids of annotations that stand twice are said, and all boxes taken", "[cpu]") {
  const BoxAnnotations all = read(coco(kImages, kCategories, kAnnotations + "," + kAnnotations));
  REQUIRE(boxes_in(all) == 4);
  REQUIRE_THAT(doubts_of(all), Contains("annotations[2] has the id 1 of annotations[0]; both are taken (and 1 more"));
}

TEST_CASE("Boxes that are mostly corners, shares, empty, turned, or not about their outlines raise a doubt", "[cpu]") {
  const auto doubts = [](const std::string& annotations) {
    return doubts_of(read(coco(kImages, kCategories, annotations)));
  };
  REQUIRE_THAT(
      doubts(boxes("[20, 10, 38, 25]", 3)),
      Contains("annotations[0] has the box [20, 10, 38, 25], which reaches beyond its image of 40x30 pixels; are "
               "these corners?") &&
          Contains("2 more"));
  REQUIRE(doubts(boxes("[20, 10, 38, 25]", 1) + "," + boxes("[2, 1, 3, 2]", 3)).empty());  // a slip
  REQUIRE_THAT(doubts(boxes("[0.25, 0.5, 0.25, 0.25]", 2)), Contains("as if in shares of the image"));
  REQUIRE_THAT(doubts(boxes("[5, 5, 0, 4]", 1)), Contains("has the box [5, 5, 0, 4], in which is no pixel"));
  REQUIRE_THAT(doubts(boxes(R"([5, 5, 3, 4], "attributes": {"rotation": 12.5})", 1)), Contains("that was turned"));
  REQUIRE(doubts(boxes(R"([5, 5, 3, 4], "attributes": {"rotation": 0.0, "occluded": false})", 1)).empty());
  REQUIRE_THAT(doubts(boxes(R"([5, 5, 20, 20], "segmentation": [[5, 5, 20, 5, 20, 20]])", 1)),
               Contains("has the box [5, 5, 20, 20], and its 'segmentation' spans the box [5, 5, 15, 15]"));
}

TEST_CASE("COCO files are told by the names at their beginning", "[cpu]") {
  REQUIRE(is_coco(File(coco()).path));
  REQUIRE(is_coco(File("\xEF\xBB\xBF \r\n" + coco()).path));
  REQUIRE(is_coco(File(R"([{"image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}])").path));
  REQUIRE(looks_like_coco(R"({"info": {"categories": 1}, "licenses": [{"url": "\"}"}], "images": [{"id)", true));
  for (const char* other : {"", "{", "[", "\"images\": \"annotations\": ", R"({"images": 1})",
                            R"({"a": {"images": [], "annotations": []}})", R"({"shapes": [], "imagePath": "a.jpg"})",
                            R"([{"image": "a.jpg", "annotations": []}])", R"({"x": "\"images\": \"annotations\":"})",
                            "images, annotations"})
    REQUIRE(!is_coco(File(other).path));
  REQUIRE(!looks_like_coco(R"({"info": {"images": 1, "annotations": 2)", true));
  REQUIRE(!is_coco("/no/such.json"));
  REQUIRE(!is_coco("/dev/zero"));
  // 2 MB in front of the second name: the first one has to do.
  REQUIRE(is_coco(File(R"({"images": [")" + std::string(2'000'000, ' ') + R"("], "annotations": []})").path));
}
