#include "common/data/formats/yolo/yolo_boxes.h"

#include "tests/formats/reading.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Names = std::vector<std::string>;

// A folder "labels" with classes.txt (cat, dog) and a.txt of the given lines.
BoxAnnotations read_lines_of_labels(const std::string& lines) {
  const Files files;
  files.write("labels/classes.txt", "cat\ndog\n");
  files.write("labels/a.txt", lines);
  return read_yolo_boxes(files / "labels");
}

}  // namespace

TEST_CASE("Labels of YOLO are boxes by centre and size, in shares, and their class by number", "[cpu]") {
  const BoxAnnotations read = read_lines_of_labels("0 0.5 0.5 0.5 0.25\r\n\r\n1\t0.1 0.2  0.2 0.4 \n");
  REQUIRE(words_of(read) == "a: cat 0.25 0.375 0.75 0.625, dog 0 0 0.2 0.4");
  REQUIRE((read.format == "YOLO" && read.is_in_shares && read.has_class_order));
  REQUIRE(read.class_names == Names{"cat", "dog"});
  REQUIRE(read.bad_boxes.empty());
  REQUIRE(read.images[0].boxes[1].place == "line 3");
  REQUIRE(read.images[0].file.filename() == "a.txt");
  REQUIRE(read.images[0].boxes[0].rings.empty());
  REQUIRE(read.doubts.size() == 1);
  REQUIRE_THAT(read.doubts[0], Contains("the names of classes are those of ") && Contains("classes.txt"));
}

TEST_CASE("Polygons of YOLO are rings, and the box is their extents", "[cpu]") {
  const BoxAnnotations read = read_lines_of_labels("1 0.1 0.2 0.5 0.2 0.3 0.9\n0 0.1 0.1 0.4 0.1 0.4 0.3 0.1 0.3\n");
  REQUIRE(words_of(read) == "a: dog 0.1 0.2 0.5 0.9, cat 0.1 0.1 0.4 0.3");
  REQUIRE(read.images[0].boxes[0].rings == std::vector<std::vector<double>>{{0.1, 0.2, 0.5, 0.2, 0.3, 0.9}});
}

TEST_CASE("Lines that are no label are bad boxes, with file, line and remedy, and leave the others alone", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"2 0.5 0.5 0.1 0.1", "the class is 2, but "},
      {"-1 0.5 0.5 0.1 0.1", "the class is -1, expected a whole number from 0 on"},
      {"0.5 0.5 0.5 0.1 0.1", "the class is 0.5, expected a whole number"},
      {"dog 0.5 0.5 0.1 0.1", "the class is the name 'dog', expected its number; write 1"},
      {"cow 0.5 0.5 0.1 0.1", "the class is 'cow', expected a number"},
      {"0 0.5 0.5 0.1", "has 4 numbers, expected 5"},
      {"0", "has 1 numbers, expected 5"},
      {"0 0.5 0.5 0.1 0.1 0.2 0.3 0.4", "has 8 numbers, expected 5"},
      {"0 nan 0.5 0.1 0.1", "number 2 of the line is nan, which no image has"},
      {"0 0.5 inf 0.1 0.1", "number 3 of the line is inf"},
      {"0 0.5 0.5 -0.1 0.1", "the box is -0.1 wide and 0.1 high"},
      {"0 0.5 0.5 0 0.1", "the box is 0 wide"},
      {"0 320 240 100 80", "if the numbers are pixels, divide them by the image's width and height"},
      {"0 0,5 0,5 0,1 0,1", "number 2 of the line is '0,5', with a decimal comma"},
      {"0,0.5,0.5,0.1,0.1", "the numbers are separated by commas, expected blanks"},
      {"0 0.5 0.5 0.1 0.1x", "number 5 of the line is '0.1x', expected a number"},
      {"0 0.1 0.1 0.5 0.1 0.3 0.1", "the box has no area: y goes from 0.1 to 0.1"},
      {"99999999999 0.5 0.5 0.1 0.1", "the class is 99999999999"},
  };
  for (const auto& [line, words] : cases) {
    CAPTURE(line);
    const BoxAnnotations read = read_lines_of_labels("0 0.5 0.5 0.5 0.5\n" + line + "\n");
    REQUIRE(words_of(read) == "a: cat 0.25 0.25 0.75 0.75");
    REQUIRE(read.bad_boxes.size() == 1);
    REQUIRE_THAT(read.bad_boxes[0], Contains("labels/a.txt: line 2: ") && Contains(words));
  }
}

TEST_CASE("Numbers as other programs write them are taken", "[cpu]") {
  const BoxAnnotations read = read_lines_of_labels(
      "\xEF\xBB\xBF"
      "0.000000 +.5 5e-1 0.5 0.5\n1.0 0.5 0.5 1 1");
  REQUIRE(words_of(read) == "a: cat 0.25 0.25 0.75 0.75, dog 0 0 1 1");
  REQUIRE(read.bad_boxes.empty());
}

TEST_CASE("What is read although it looks odd is said, with its number and the first place", "[cpu]") {
  REQUIRE_THAT(doubts_of(read_lines_of_labels("0 .5 .5 .1 .1\n0 .5 .5 .2 .2 0.9\n0 .5 .5 .3 .3 0.1\n")),
               Contains("2 boxes have a sixth number") && Contains("a.txt: line 2"));
  const BoxAnnotations outside = read_lines_of_labels("0 0.95 0.5 0.2 0.2\n0 0.95 0.5 0.101 0.2\n");
  REQUIRE(outside.images[0].boxes.size() == 2);
  REQUIRE_THAT(doubts_of(outside),
               Contains("1 box reaches beyond the image") && Contains("line 1: from (0.85, 0.4) to (1.05, 0.6)"));
  const BoxAnnotations twice = read_lines_of_labels("0 .5 .5 .2 .2\n1 .5 .5 .2 .2\n0 0.5 0.5 0.20 0.2\n");
  REQUIRE(twice.images[0].boxes.size() == 2);
  REQUIRE_THAT(doubts_of(twice), Contains("1 box is left out") && Contains("a.txt: line 3"));
}

TEST_CASE("Images without boxes are those with an empty file, and texts of other kinds are no images", "[cpu]") {
  const Files files;
  files.write("classes.txt", "cat\n");
  files.write("a.txt", "");
  files.write("b.txt", " \r\n\n");
  files.write("d/e f\\g \xC3\xA9.v2.txt", "0 .5 .5 .5 .5");
  files.write("README.txt", "Labels of cats, made by hand in 2020\n");
  files.write("train.txt", "data/images/a.jpg\n");
  files.write(".hidden/x.txt", "0 .5 .5 .5 .5");
  files.write("c.jpg", "");
  const BoxAnnotations read = read_yolo_boxes(files.directory.path());
  REQUIRE(words_of(read) == "a: \nb: \nd/e f\\g \xC3\xA9.v2: cat 0.25 0.25 0.75 0.75");
  REQUIRE_THAT(doubts_of(read), Contains("2 texts are no labels and left out") && Contains("README.txt"));
  REQUIRE(read.splits.empty());
  REQUIRE(words_of(read_yolo_boxes(files.directory.path() / "")) == words_of(read));
}

TEST_CASE("The names of classes are found in the folder of the labels and up to two above it", "[cpu]") {
  for (const char* place : {"set/train/labels/classes.txt", "set/train/obj.names", "set/names.txt", "set/data.yaml",
                            "set/train/labels/_darknet.labels", "set/coco8.yaml"}) {
    CAPTURE(place);
    const Files files;
    const bool is_yaml = std::string(place).ends_with("yaml");
    files.write(place, is_yaml ? "train: train/images\nnames: [cow, \"caf\\xE9\"]\n" : "cow\ncaf\xC3\xA9\n");
    files.write("set/train/labels/a.txt", "1 .5 .5 .5 .5");
    const BoxAnnotations read = read_yolo_boxes(files / "set/train/labels");
    REQUIRE(words_of(read) == "a: caf\xC3\xA9 0.25 0.25 0.75 0.75");
    REQUIRE_THAT(doubts_of(read), Contains(place));
  }
  const Files files;
  files.write("x/a.txt", "3 .5 .5 .5 .5");
  const BoxAnnotations read = read_yolo_boxes(files / "x");
  REQUIRE(read.class_names == Names{"class 0", "class 1", "class 2", "class 3"});
  REQUIRE(words_of(read) == "a: class 3 0.25 0.25 0.75 0.75");
  REQUIRE_THAT(doubts_of(read), Contains("no names of classes are beside the labels"));
}

TEST_CASE("A folder with 'labels' and a list of classes is read as Label Studio exports it", "[cpu]") {
  const Files files;
  files.write("classes.txt", "cat\n");
  files.write("images/a.jpg", "");
  files.write("labels/a.txt", "0 .5 .5 .5 .5");
  files.write("notes.txt", "by hand");
  REQUIRE(words_of(read_yolo_boxes(files.directory.path())) == "a: cat 0.25 0.25 0.75 0.75");
}

TEST_CASE("Lists of classes that shift numbers, or no labels at all, are refused", "[cpu]") {
  const auto refused = [](const std::string& classes, const std::string& labels = "0 .5 .5 .5 .5") {
    const Files files;
    files.write("classes.txt", classes);
    files.write("a.txt", labels);
    return refusal_of([&] { read_yolo_boxes(files.directory.path()); });
  };
  REQUIRE_THAT(refused("cat\n\ndog\n"), Contains("classes.txt:2: the class number 1 has an empty name"));
  REQUIRE_THAT(refused("cat\ndog\ncat\n"), Contains("class numbers 0 and 2 are both named 'cat'"));
  REQUIRE_THAT(refused(""), Contains("classes.txt: names no class"));
  REQUIRE_THAT(refused("caf\xE9\n"), Contains("classes.txt:1: the name of a class is no UTF-8"));
  REQUIRE_THAT(refused(std::string("\xFF\xFE"
                                   "c\0",
                                   4)),
               Contains("is UTF-16, expected UTF-8"));
  REQUIRE_THAT(refused("cat\n", "some text\n"), Contains("holds no file of YOLO labels") && Contains("a.txt"));
  REQUIRE_THAT(refused("cat\n", std::string("\xFF\xFE"
                                            "0\0",
                                            4)),
               Contains("a.txt: is UTF-16"));
  const Files files;
  REQUIRE_THAT(refusal_of([&] { read_yolo_boxes(files / "nowhere"); }), Contains("nowhere: is not there"));
  files.write("a.txt", "0 .5 .5 .5 .5");
  REQUIRE_THAT(refusal_of([&] { read_yolo_boxes(files / "a.txt"); }), Contains("is no data.yaml"));
}

TEST_CASE("The background is no class of YOLO, and the numbers behind it stay as they are", "[cpu]") {
  const Files files;
  files.write("classes.txt", "__background__\ncat\n");
  files.write("a.txt", "1 .5 .5 .5 .5\n0 .5 .5 .5 .5\n");
  const BoxAnnotations read = read_yolo_boxes(files.directory.path());
  REQUIRE(words_of(read) == "a: cat 0.25 0.25 0.75 0.75");
  REQUIRE(read.class_names == Names{"cat"});
  REQUIRE_THAT(read.bad_boxes.at(0), Contains("line 2: the class 0, '__background__', stands for what is no object"));
}

TEST_CASE("What is YOLO is told by what is in the file or folder", "[cpu]") {
  const Files files;
  files.write("labels/train/a.txt", "0 .5 .5 .5 .5");
  files.write("texts/a.txt", "Read me, 1 2 3");
  files.write("empty/a.txt", "");
  files.write("empty/obj.names", "cat");
  files.write("only/a.txt", "");
  files.write("set/my.yml", "nc: 2\n");
  files.write("other/a.yaml", "models: [a]\n# names: x\n");
  files.write("images/a.jpg", "0 .5 .5 .5 .5");
  for (const char* yes : {"labels", "empty", "set", "set/my.yml"}) REQUIRE(is_yolo(files / yes));
  for (const char* no : {"texts", "only", "other", "other/a.yaml", "images", "labels/train/a.txt", "nowhere"}) {
    CAPTURE(no);
    REQUIRE_FALSE(is_yolo(files / no));
  }
}
