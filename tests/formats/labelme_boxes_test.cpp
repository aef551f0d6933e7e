// LabelMe's files, one for each photograph: what LabelMe's versions and AnyLabeling write, and what goes wrong in them.
#include "common/data/formats/labelme/labelme_boxes.h"

#include <fmt/format.h>

#include "common/base/text.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

std::string labelme(const std::string& shapes, const std::string& image_path = "a.jpg",
                    const std::string& sides = R"("imageHeight": 30, "imageWidth": 40)") {
  return R"({"version": "5.2.1", "flags": {}, "shapes": [)" + shapes + R"(], "imagePath": ")" + image_path +
         R"(", "imageData": "/9j/4AAQSk\/ZJRg==", )" + sides + "}";
}

std::string shape(const std::string& label, const std::string& type, const std::string& points,
                  const std::string& more = "") {
  return fmt::format(R"({{"label": "{}", "points": {}, "group_id": null, "shape_type": "{}", "flags": {{}}{}}})", label,
                     points, type, more);
}

struct Folder {
  test::TemporaryDirectory dir;
  std::vector<fs::path> files;
  fs::path add(const std::string& name, const std::string& bytes) {
    files.push_back(dir / name);
    write_file(files.back(), bytes);
    return files.back();
  }
  BoxAnnotations read(int threads = 2) const { return read_labelme_boxes(files, threads); }
};

BoxAnnotations read_one(const std::string& bytes, const std::string& name = "a.json") {
  Folder folder;
  folder.add(name, bytes);
  return folder.read();
}

std::string error_of(const std::string& bytes) {
  Folder folder;
  const fs::path file = folder.add("a.json", bytes);
  const test::Failure failure = test::failure_of([&] { folder.read(); });
  REQUIRE(failure.kind == ErrorKind::bad_input);
  REQUIRE_THAT(failure.message, StartsWith(file.string() + ": "));
  return failure.message;
}

std::string boxes_of(const AnnotatedImage& image) {
  std::vector<std::string> boxes;
  for (const AnnotatedBox& b : image.boxes)
    boxes.push_back(fmt::format("{} {} {} {} {}", b.class_name, b.x0, b.y0, b.x1, b.y1));
  return join(boxes, ", ");
}

std::string doubts_of(const BoxAnnotations& all) { return join(all.doubts, "\n"); }

}  // namespace

TEST_CASE("A LabelMe file gives rectangles and polygons in edges", "[cpu]") {
  Folder folder;
  const fs::path file =
      folder.add("a.json", labelme(shape("dog", "rectangle", "[[20.5, 25], [5, 6]]") + "," +
                                   shape("cat", "polygon", "[[1, 9], [11, 2.25], [7, 12], [2, 12]]")));
  folder.add("b.json", labelme("", "b.jpg"));
  const BoxAnnotations all = folder.read();
  REQUIRE((all.format == "LabelMe" && !all.has_class_order && !all.is_in_shares));
  REQUIRE(all.class_names == std::vector<std::string>{"cat", "dog"});
  REQUIRE((all.bad_boxes.empty() && all.doubts.empty() && all.images.size() == 2));
  const AnnotatedImage& a = all.images[0];
  REQUIRE((a.name == "a.jpg" && a.file == file && a.size == ImageSize{30, 40} && a.id.empty()));
  REQUIRE(boxes_of(a) == "dog 5 6 20.5 25, cat 1 2.25 11 12");
  REQUIRE((a.boxes[0].rings.empty() && a.boxes[0].place == "shapes[0]"));
  REQUIRE(a.boxes[1].rings == std::vector<std::vector<double>>{{1, 9, 11, 2.25, 7, 12, 2, 12}});
  REQUIRE((all.images[1].name == "b.jpg" && all.images[1].boxes.empty()));
}

TEST_CASE("Rectangles may have four corners, and those that were turned are told", "[cpu]") {
  const BoxAnnotations four = read_one(labelme(shape("cat", "rectangle", "[[5, 6], [20, 6], [20, 25], [5, 25]]")));
  REQUIRE((boxes_of(four.images[0]) == "cat 5 6 20 25" && four.doubts.empty()));
  for (const char* type : {"rectangle", "rotation", "oriented_rectangle"}) {
    const BoxAnnotations turned = read_one(labelme(shape("cat", type, "[[5, 10], [10, 5], [20, 15], [15, 20]]")));
    REQUIRE(boxes_of(turned.images[0]) == "cat 5 5 20 20");
    REQUIRE_THAT(doubts_of(turned), Contains("a.json: shapes[0] is a rectangle that was turned"));
  }
}

TEST_CASE("A shape without a type is a polygon, as old versions wrote them", "[cpu]") {
  for (const char* type : {"", R"(, "shape_type": null)"})
    REQUIRE(boxes_of(read_one(labelme(fmt::format(R"({{"label": "cat", "points": [[1, 2], [9, 2], [5, 8]]{}}})", type)))
                         .images[0]) == "cat 1 2 9 8");
}

TEST_CASE("A mask has the box of its points, and a doubt", "[cpu]") {
  const BoxAnnotations all =
      read_one(labelme(shape("cat", "mask", "[[3, 4], [13, 9]]", R"(, "mask": "iVBORw0KGgo=")")));
  REQUIRE((boxes_of(all.images[0]) == "cat 3 4 13 9" && all.images[0].boxes[0].rings.empty()));
  REQUIRE_THAT(doubts_of(all), Contains("shapes[0] is a mask: its box is that of its two points"));
}

TEST_CASE("A bad shape is told with its place, and takes no other along", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {shape("cat", "circle", "[[5, 6], [9, 9]]"), "is a circle, which has no box; draw a rectangle"},
      {shape("cat", "point", "[[5, 6]]"), "is a point, which has no box"},
      {shape("cat", "line", "[[5, 6], [9, 9]]"), "is a line, which has no box"},
      {shape("cat", "linestrip", "[[5, 6], [9, 9], [1, 1]]"), "is a linestrip, which has no box"},
      {shape("cat", "cuboid", "[[5, 6], [9, 9]]"), "has 'cuboid' as 'shape_type', expected rectangle, polygon or mask"},
      {shape("cat", "rectangle", "[[5, 6]]"), "is a rectangle of 1 points, expected two or four"},
      {shape("cat", "rectangle", "[]"), "is a rectangle of 0 points"},
      {shape("cat", "polygon", "[[5, 6], [9, 9]]"), "is a polygon of 2 points, expected three or more"},
      {shape("cat", "rectangle", "[[5, NaN], [9, 9]]"), "has NaN as 'points'"},
      {shape("cat", "rectangle", "[[5, 6], [9, 1e12]]"), "has 1000000000000 in 'points', expected pixels"},
      {shape("cat", "rectangle", R"([["5", 6], [9, 9]])"), R"(has "5" in 'points', expected numbers)"},
      {shape("cat", "rectangle", "[5, 6, 9, 9]"), "has 5 as 'points', expected a list of numbers"},
      {shape("cat", "rectangle", "[[5, 6, 7], [9, 9, 7]]"), "has [5,6,7] in 'points', expected [x, y]"},
      {shape("cat", "rectangle", "null"), "has null as 'points', expected [[x, y], ...]"},
      {shape(" ", "rectangle", "[[5, 6], [9, 9]]"), R"(has " " as 'label', expected the name of a class)"},
      {R"({"label": 3, "points": [[5, 6], [9, 9]], "shape_type": "rectangle"})", "has 3 as 'label'"},
      {R"({"points": [[5, 6], [9, 9]], "shape_type": "rectangle"})", "has no 'label'"},
      {R"({"label": "cat"})", "has no 'points'"},
      {"7", "is 7, expected an object"},
  };
  for (const auto& [fields, message] : bad) {
    CAPTURE(fields);
    const BoxAnnotations all = read_one(labelme(fields + "," + shape("dog", "rectangle", "[[5, 6], [9, 9]]")));
    REQUIRE(boxes_of(all.images[0]) == "dog 5 6 9 9");
    REQUIRE(all.class_names == std::vector<std::string>{"dog"});
    REQUIRE(all.bad_boxes.size() == 1);
    REQUIRE_THAT(all.bad_boxes[0], Contains("a.json: shapes[0] ") && Contains(message));
  }
}

TEST_CASE("Files that are not LabelMe's, or not whole, are refused", "[cpu]") {
  const std::string whole = labelme(shape("cat", "rectangle", "[[5, 6], [9, 9]]"));
  REQUIRE_THAT(error_of(whole.substr(0, whole.size() - 5)), Contains("is no JSON"));
  REQUIRE_THAT(error_of(whole + whole), Contains("is no JSON"));
  REQUIRE_THAT(error_of(""), Contains("is no JSON"));
  REQUIRE_THAT(error_of("[" + whole + "]"), Contains("has no list 'shapes'"));
  REQUIRE_THAT(error_of("3"), Contains("has no list 'shapes'"));
  REQUIRE_THAT(error_of(R"({"shapes": {}, "imagePath": "a.jpg"})"), Contains("has no list 'shapes'"));
  for (const char* path : {"null", "\"\"", "7"})
    REQUIRE_THAT(error_of(fmt::format(R"({{"shapes": [], "imagePath": {}}})", path)),
                 Contains("has no text 'imagePath'"));
  REQUIRE_THAT(error_of(std::string("\xff\xfe{\0", 4)), Contains("is UTF-16, expected UTF-8"));
  REQUIRE_THAT(error_of("{\"imagePath\": \"\xE9\", \"shapes\": []}"), Contains("is no JSON"));
  REQUIRE(test::failure_of([] { read_labelme_boxes({"/no/such.json"}, 1); }).mentions("/no/such.json: "));
  REQUIRE(read_labelme_boxes({}, 1).images.empty());
}

TEST_CASE("Names with blanks, accents and backslashes stay as they are, and marks of Windows are read over", "[cpu]") {
  const BoxAnnotations all =
      read_one("\xEF\xBB\xBF" + labelme("\r\n", R"(..\\photos\\caf\u00e9 1.v2.jpg)") + "\r\n", "caf\xC3\xA9 1.v2.json");
  REQUIRE(all.images[0].name == "..\\photos\\caf\xC3\xA9 1.v2.jpg");
  REQUIRE(all.doubts.empty());
}

TEST_CASE("A photograph of another name than its file, or with two files, raises a doubt", "[cpu]") {
  REQUIRE_THAT(doubts_of(read_one(labelme("", "IMG_1.jpg"))),
               Contains("a.json: is about 'IMG_1.jpg', a photograph of another"));
  Folder folder;
  folder.add("x/a.json", labelme("", R"(..\\photos\\a.jpg)"));
  folder.add("y/a.json", labelme("", "../photos/a.jpg"));
  folder.add("z/a.json", labelme("", "a.jpg"));
  const BoxAnnotations all = folder.read();
  REQUIRE((all.images.size() == 3 && all.doubts.size() == 1));
  REQUIRE_THAT(doubts_of(all), Contains("y/a.json: is about '../photos/a.jpg', and so is ") && Contains("x/a.json"));
}

TEST_CASE("Sizes that are none are told, unless they are left open", "[cpu]") {
  for (const char* open : {R"("imageHeight": null, "imageWidth": null)", R"("x": 1)"}) {
    const BoxAnnotations all = read_one(labelme("", "a.jpg", open));
    REQUIRE((all.images[0].size == ImageSize{} && all.doubts.empty()));
  }
  REQUIRE(read_one(labelme("", "a.jpg", R"("imageHeight": 30.0, "imageWidth": 40)")).images[0].size ==
          ImageSize{30, 40});
  for (const char* odd : {R"("imageHeight": "30", "imageWidth": 40)", R"("imageHeight": -30, "imageWidth": 40)",
                          R"("imageHeight": NaN, "imageWidth": 40)"}) {
    const BoxAnnotations all = read_one(labelme("", "a.jpg", odd));
    REQUIRE(all.images[0].size == ImageSize{});
    REQUIRE_THAT(doubts_of(all), Contains(" as 'imageHeight', expected pixels"));
  }
}

TEST_CASE("Shapes of one label and group are one object", "[cpu]") {
  const auto part = [](const char* label, const char* points, const char* group, const char* type = "polygon") {
    return fmt::format(R"({{"label": "{}", "points": {}, "group_id": {}, "shape_type": "{}"}})", label, points, group,
                       type);
  };
  const std::string left = part("cat", "[[1, 1], [4, 1], [4, 9]]", "1"),
                    right = part("cat", "[[8, 2], [9, 2], [9, 12]]", "1");
  const BoxAnnotations all = read_one(labelme(left + "," + part("dog", "[[1, 1], [4, 1], [4, 9]]", "1") + "," + right +
                                              "," + part("cat", "[[1, 1], [2, 1], [2, 3]]", "2")));
  REQUIRE(boxes_of(all.images[0]) == "cat 1 1 9 12, dog 1 1 4 9, cat 1 1 2 3");
  REQUIRE(all.images[0].boxes[0].rings.size() == 2);
  REQUIRE_THAT(doubts_of(all), Contains("shapes[2] has the label and the 'group_id' 1 of shapes[0]"));
  // A part without an outline leaves the object without one.
  const BoxAnnotations mixed =
      read_one(labelme(left + "," + part("cat", "[[8, 2], [9, 12]]", "1", "rectangle") + "," + right));
  REQUIRE((boxes_of(mixed.images[0]) == "cat 1 1 9 12" && mixed.images[0].boxes[0].rings.empty()));
}

TEST_CASE("Labels of background and void are left out, and difficult shapes are such", "[cpu]") {
  const std::string box = "[[5, 6], [9, 9]]";
  const BoxAnnotations all = read_one(labelme(
      shape("__ignore__", "rectangle", box) + "," + shape("_background_", "circle", box) + "," +
      shape(" cat ", "rectangle", box, R"(, "difficult": true)") + "," +
      R"({"label": "dog", "points": [[5, 6], [9, 9]], "shape_type": "rectangle", "flags": {"difficult": true}})"));
  REQUIRE(boxes_of(all.images[0]) == "cat 5 6 9 9, dog 5 6 9 9");
  REQUIRE((all.images[0].boxes[0].is_difficult && all.images[0].boxes[1].is_difficult && all.bad_boxes.empty()));
  REQUIRE_THAT(doubts_of(all),
               Contains("shapes[0] has the label '__ignore__', which is no class") && Contains("1 more"));
}

TEST_CASE("Boxes that are empty, shares, or mostly beyond their photographs raise a doubt", "[cpu]") {
  const auto doubts = [](const char* points) {
    return doubts_of(read_one(labelme(shape("cat", "rectangle", points))));
  };
  REQUIRE_THAT(doubts("[[5, 6], [5, 6]]"), Contains("shapes[0] has a box from (5, 6) to (5, 6), in which is no pixel"));
  REQUIRE_THAT(doubts("[[0.5, 0.25], [1, 0.5]]"), Contains("as if in shares of the image"));
  REQUIRE_THAT(doubts("[[50, 60], [100, 120]]"), Contains("reaches beyond its image of 40x30 pixels"));
}

TEST_CASE("The number of threads changes nothing in many files", "[cpu]") {
  Folder folder;
  for (int i = 0; i < 100; ++i)
    folder.add(fmt::format("{}.json", i), labelme(shape("cat",
                                                        i % 5 == 0   ? "circle"
                                                        : i % 7 == 0 ? "mask"
                                                                     : "rectangle",
                                                        "[[5, 6], [9, 9]]"),
                                                  fmt::format("{}.jpg", i % 11 == 0 ? 5 : i)));
  const BoxAnnotations one = folder.read(1), many = folder.read(4);
  REQUIRE((one.images.size() == 100 && one.bad_boxes.size() == 20 && one.doubts.size() == 3));
  REQUIRE((one.bad_boxes == many.bad_boxes && one.doubts == many.doubts));
  for (size_t i = 0; i < 100; ++i)
    REQUIRE((one.images[i].file == many.images[i].file && boxes_of(one.images[i]) == boxes_of(many.images[i])));
}

TEST_CASE("LabelMe's files are told by the names at their beginning", "[cpu]") {
  Folder folder;
  REQUIRE(is_labelme(folder.add("a.json", labelme(shape("cat", "mask", "[[3, 4], [13, 9]]")))));
  REQUIRE(is_labelme(folder.add("b.json", R"({"imageData": ")" + std::string(2'000'000, 'A') + R"(", "shapes": []})")));
  REQUIRE(!is_labelme(folder.add("c.json", R"({"images": [], "annotations": [], "categories": []})")));
  REQUIRE(!is_labelme(folder.add("d.json", R"([{"shapes": [], "imagePath": "a.jpg"}])")));
  REQUIRE(!is_labelme(folder.add("e.json", R"({"shapes": []})")));
  REQUIRE(!is_labelme(folder.dir.path()));
  REQUIRE(looks_like_labelme(R"({"version": "4", "shapes": [{"label)", true));
}
