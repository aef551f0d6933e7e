#include "common/data/formats/box_reader.h"

#include "common/base/text.h"
#include "tests/data/voc_folder.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::string kCoco = R"({"images": [{"id": 1, "file_name": "b.jpg", "width": 40, "height": 30},
 {"id": 2, "file_name": "a.jpg", "width": 40, "height": 30}], "categories": [{"id": 7, "name": "cat"}],
 "annotations": [{"id": 3, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "iscrowd": 0}]})";
const std::string kLabelMe = R"({"version": "5.0.1", "flags": {}, "shapes": [{"label": "cat", "points": [[1, 2],
 [4, 6]], "group_id": null, "shape_type": "rectangle", "flags": {}}], "imagePath": "a.jpg", "imageData": null,
 "imageHeight": 30, "imageWidth": 40})";
const std::string kCvat =
    "<?xml version=\"1.0\"?><!-- made by hand --><annotations><image id=\"0\" name=\"a.jpg\" "
    "width=\"40\" height=\"30\"><box label=\"cat\" xtl=\"1\" ytl=\"2\" xbr=\"4\" ybr=\"6\"/>"
    "</image></annotations>";
const std::string kCsv = "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,40,30,cat,1,2,4,6\n";
const std::string kDataYaml = "train: train/images\nval: valid/images\nnc: 1\nnames: ['cat']\n";
const std::string kLabels = "0 0.5 0.5 0.25 0.25\n";

std::string voc(const std::string& filename = "") {
  return annotation_xml((filename.empty() ? "" : "<filename>" + filename + "</filename>") +
                        object_xml("cat", 2, 3, 4, 6));
}

// A folder of files of boxes.
struct Folder {
  TemporaryDirectory directory;
  fs::path root = directory.path() / "my boxes";
  Folder() { fs::create_directories(root); }
  const Folder& add(const std::string& name, const std::string& text) const {
    write_file(root / name, text);
    return *this;
  }
  BoxAnnotations read(const std::string& name = "") const { return read_boxes(name.empty() ? root : root / name, 2); }
  std::string refusal(const std::string& name = "") const {
    const Failure failure = failure_of([&] { read(name); });
    REQUIRE(failure.kind == ErrorKind::bad_input);
    return failure.message;
  }
};

std::vector<std::string> names_of(const BoxAnnotations& read) {
  std::vector<std::string> names;
  for (const AnnotatedImage& image : read.images) names.push_back(image.name);
  return names;
}

size_t boxes_of(const BoxAnnotations& read) {
  size_t boxes = 0;
  for (const AnnotatedImage& image : read.images) boxes += image.boxes.size();
  return boxes;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("The format of a file is told by its content, not by its name", "[cpu]") {
  const Folder folder;
  const auto reads = [&](const std::string& name, const std::string& text, const std::string& format) {
    CAPTURE(name, format);
    const BoxAnnotations read = folder.add(name, text).read(name);
    REQUIRE(read.format == format);
    REQUIRE(read.class_names == Names{"cat"});
    REQUIRE(boxes_of(read) == 1);
  };
  for (const char* name : {"f.json", "f.txt", "f"}) {
    reads(name, kCoco, "COCO JSON");
    reads(name, kLabelMe, "LabelMe");
    reads(name, kCvat, "CVAT XML");
    reads(name, voc(), "VOC XML");
    reads(name, kCsv, "CSV");
  }
  reads("f.xml", "\xEF\xBB\xBF" + kCvat, "CVAT XML");
}

TEST_CASE("One file of COCO, CVAT or CSV alone in a folder is read, photographs and other files beside it", "[cpu]") {
  for (const auto& [name, text, format] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"annotations/instances.json", kCoco, "COCO JSON"},
           {"annotations.xml", kCvat, "CVAT XML"},
           {"d e/_annotations.csv", kCsv, "CSV"}}) {
    CAPTURE(name);
    const Folder folder;
    folder.add(name, text).add("images/a.jpg", "x").add("README.txt", "Exported today.\n");
    folder.add(".hidden/b.xml", voc()).add("__MACOSX/._annotations.xml", "\x05\x16").add(".c.json", kLabelMe);
    const BoxAnnotations read = folder.read();
    REQUIRE(read.format == format);
    REQUIRE(boxes_of(read) == 1);
    REQUIRE(read.class_names == Names{"cat"});
  }
}

TEST_CASE("A folder of LabelMe or VOC XML is read with the folders in it, and sorted by name", "[cpu]") {
  const Folder xml, json;
  xml.add("b.xml", voc("b.jpg")).add("d/a.xml", voc("a.jpg")).add("c.XML", voc()).add("d/a.jpg", "x");
  const BoxAnnotations read = xml.read();
  REQUIRE(read.format == "VOC XML");
  REQUIRE(names_of(read) == Names{"a.jpg", "b.jpg", "c"});
  REQUIRE(boxes_of(read) == 3);
  json.add("b.json", kLabelMe).add("a.json", kLabelMe);
  REQUIRE(json.read().format == "LabelMe");
  REQUIRE(boxes_of(json.read()) == 2);
}

TEST_CASE("VOC's own folder is VOC XML, though its lists of images hold numbers", "[cpu]") {
  const Folder folder;
  folder.add("Annotations/000012.xml", voc("000012.jpg")).add("ImageSets/Main/train.txt", "000012\n000017\n");
  folder.add("ImageSets/Main/cat_train.txt", "000012  1\n000017 -1\n").add("JPEGImages/000012.jpg", "x");
  REQUIRE(folder.read().format == "VOC XML");
  REQUIRE(names_of(folder.read()) == Names{"000012.jpg"});
}

TEST_CASE("YOLO's labels are read with data.yaml or a list of classes", "[cpu]") {
  const Folder roboflow;
  roboflow.add("data.yaml", kDataYaml).add("README.roboflow.txt", "Exported by hand\n");
  roboflow.add("train/labels/a.txt", kLabels).add("valid/labels/b.txt", kLabels).add("valid/labels/c.txt", "");
  roboflow.add("train/images/a.jpg", "x").add("valid/images/b.jpg", "x").add("valid/images/c.jpg", "x");
  for (const char* name : {"", "data.yaml"}) {
    const BoxAnnotations read = roboflow.read(name);
    REQUIRE(read.format == "YOLO");
    REQUIRE(read.images.size() == 3);
    REQUIRE(boxes_of(read) == 2);
    REQUIRE(read.class_names == Names{"cat"});
    REQUIRE(read.is_in_shares);
  }
  // labelImg's: the list of classes beside the labels, here two folders down.
  const Folder deep;
  deep.add("set 1/labels/a.txt", kLabels).add("set 1/labels/b.txt", "").add("set 1/labels/classes.txt", "cat\n");
  REQUIRE(deep.read().class_names == Names{"cat"});
  REQUIRE(deep.read().images.size() == 2);
}

TEST_CASE("Several formats in a folder are refused with a file of each and the option", "[cpu]") {
  const Folder folder;
  folder.add("a.xml", voc()).add("b.xml", voc()).add("set/instances.json", kCoco).add("labels/a.txt", kLabels);
  const std::string refusal = folder.refusal();
  REQUIRE_THAT(refusal, Contains("my boxes: holds boxes in several formats: COCO JSON (") &&
                            Contains("set/instances.json)") && Contains("a.xml and 1 more)") && Contains("YOLO (") &&
                            Contains("labels/a.txt)") && Contains("--boxes PATH"));
  REQUIRE(folder.read("set").format == "COCO JSON");
  REQUIRE(folder.read("a.xml").format == "VOC XML");
}

TEST_CASE("Several files of a format of one file are refused with their names", "[cpu]") {
  const Folder folder;
  folder.add("train/_annotations.coco.json", kCoco).add("valid/_annotations.coco.json", kCoco);
  REQUIRE_THAT(folder.refusal(), Contains("holds 2 files of COCO JSON, of which one can be read at a time") &&
                                     Contains("train/_annotations.coco.json, ") && Contains("--boxes FILE"));
  const Folder cvat;
  REQUIRE_THAT(cvat.add("a.xml", kCvat).add("b.xml", kCvat).refusal(), Contains("holds 2 files of CVAT XML"));
}

TEST_CASE("A folder without boxes is refused with what was looked at and what is known", "[cpu]") {
  const Folder folder;
  REQUIRE_THAT(folder.refusal(), Contains("holds no file of boxes") && Contains("no file"));
  folder.add("a.jpg", "x").add("d/b.JPG", "x").add("notes.txt", "of today\n").add("pom.xml", "<project/>");
  folder.add("LICENSE", "x");
  REQUIRE_THAT(folder.refusal(), Contains("2 .jpg, 1 .txt, 1 .xml") && Contains("1 without a suffix") &&
                                     Contains("pom.xml is XML of another kind, <project>") && Contains("COCO JSON") &&
                                     Contains("VOC XML"));
}

TEST_CASE("A file of no known format is refused with what it seems to be", "[cpu]") {
  const Folder folder;
  const auto refused = [&](const std::string& name, const std::string& text, const std::string& words) {
    CAPTURE(name, text);
    REQUIRE_THAT(folder.add(name, text).refusal(name),
                 Contains(name + ": ") && Contains(words) && Contains("known formats of boxes are COCO JSON"));
  };
  refused("a.zip", "PK\x03\x04zip", "is a zip archive; unpack it");
  refused("a.json.gz", "\x1F\x8B\x08", "is packed with gzip");
  refused("a.txt", kLabels, "looks like the labels of one image in YOLO's format; name their folder, or data.yaml");
  refused("empty.json", "", "is empty");
  refused("a.xml", "<kml/>", "is XML of another kind, <kml>");
  refused("a.json", "{\"type\": \"FeatureCollection\"}", "is of no known format");
  refused("cut.json", "{\"info\": {\"year\": 20", "is no JSON");
  refused("wide.json", std::string("\xFF\xFE{\0}\0", 6), "is UTF-16; save it as UTF-8");
  REQUIRE_THAT(folder.refusal("no such file"), Contains("no such file: is not there"));
}

TEST_CASE("A broken file among files of images is refused, since its photograph would be lost", "[cpu]") {
  const Folder folder;
  folder.add("a.xml", voc("a.jpg")).add("b.xml", "<annot");
  REQUIRE_THAT(folder.refusal(), Contains("b.xml: is no well-formed XML") && Contains("Mend it, or move it out of "));
  folder.add("b.xml", voc("b.jpg")).add("cut.json", "{");  // of no concern to VOC's files
  REQUIRE(names_of(folder.read()) == Names{"a.jpg", "b.jpg"});
}

TEST_CASE("What looks like annotations in a folder and is not read is told", "[cpu]") {
  const Folder folder;
  folder.add("a.xml", voc("a.jpg")).add("empty.xml", "").add("settings.json", "{\"zoom\": 1}");
  fs::create_directory_symlink("/nonexistent", folder.root / "nowhere");
  fs::create_directories(folder.directory.path() / "elsewhere");
  fs::create_directory_symlink(folder.directory.path() / "elsewhere", folder.root / "linked");
  const BoxAnnotations read = folder.read();
  REQUIRE(names_of(read) == Names{"a.jpg"});
  const std::string doubts = join(read.doubts, "\n");
  REQUIRE_THAT(doubts, Contains("2 files (.xml, .json) are in ") && Contains("the first is ") && Contains("empty.xml"));
  REQUIRE_THAT(doubts, Contains("linked is a link to a folder and not looked into"));
}

TEST_CASE("Names that two images have, and classes that are no UTF-8, are told", "[cpu]") {
  const Folder folder;
  folder.add("train/a.xml", voc("a.jpg")).add("valid/a.xml", voc("a.jpg"));
  REQUIRE_THAT(join(folder.read().doubts, "\n"),
               Contains("1 image has the name of another one, the first is 'a.jpg' in ") && Contains("valid/a.xml"));
  const Folder latin;
  latin.add("a.xml", annotation_xml(object_xml("caf\xE9", 2, 3, 4, 6)));
  REQUIRE_THAT(join(latin.read().doubts, "\n"), Contains("the class name 'caf\\xE9' is no UTF-8"));
}

TEST_CASE("A damaged file of a set is an error, not a file of another kind", "[cpu]") {
  const Folder folder;
  folder.add("a.xml", voc()).add("b.xml", voc().substr(0, 100));
  REQUIRE_THAT(folder.refusal(), Contains("b.xml: is no well-formed XML"));
}
