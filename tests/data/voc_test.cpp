#include "common/data/formats/voc/voc.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "tests/data/voc_folder.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

VocOptions options_for(const VocFolder& voc, int threads = 1) {
  set_log_level(LogLevel::silent);
  VocOptions options;
  options.root = voc.root;
  options.splits = {{"train", "train"}, {"val", "val"}};
  options.threads = threads;
  return options;
}

Dataset index(const VocOptions& options) {
  VocReport report;
  return index_voc(options, report);
}

}  // namespace

TEST_CASE("A VOC folder is indexed with sizes, boxes, flags, masks and digests") {
  const VocFolder voc;
  VocReport report;
  const Dataset d = index_voc(options_for(voc), report);
  REQUIRE(d.classes() == 21);
  REQUIRE(d.images.size() == 4);
  REQUIRE(d.splits == std::map<std::string, std::vector<int64_t>>{{"train", {0, 1}}, {"val", {2, 3}}});
  const ImageEntry& e = d.images[3];
  REQUIRE(e.id == "d/e f");
  REQUIRE(e.path == "JPEGImages/d/e f.jpg");
  REQUIRE(e.mask_path == "SegmentationClass/d/e f.png");
  REQUIRE(e.size == ImageSize{30, 40});
  REQUIRE(e.boxes.size() == 2);  // the part inside an object is no object
  REQUIRE((e.boxes[0].class_id == 12 && e.boxes[0].x0 == 1 && e.boxes[0].x1 == 40 && !e.boxes[0].is_difficult));
  REQUIRE((e.boxes[1].class_id == 8 && e.boxes[1].x0 == 3.5f && e.boxes[1].is_difficult));
  REQUIRE(e.image_digest == digest_of_file(voc.jpeg("d/e f")));
  REQUIRE(d.images[1].mask_path.empty());
  REQUIRE(d.images[1].mask_digest.empty());
  REQUIRE(
      (report.boxes == 5 && report.difficult_boxes == 1 && report.clipped_boxes == 0 && report.images_with_mask == 3));
  REQUIRE(report.class_source == "VOC's 21");
}

TEST_CASE("The index does not depend on the number of threads") {
  const VocFolder voc;
  for (int i = 0; i < 20; ++i) voc.add(fmt::format("extra{}", i), annotation_xml(object_xml("bus", 1 + i, 2, 30, 20)));
  std::string list;
  for (int i = 0; i < 20; ++i) list += fmt::format("extra{}\n", i);
  voc.list("train", list);
  const Dataset one = index(options_for(voc, 1)), four = index(options_for(voc, 4));
  REQUIRE(one.splits == four.splits);
  REQUIRE(one.digest("train", true) == four.digest("train", true));
  REQUIRE(one.digest("val", true) == four.digest("val", true));
}

TEST_CASE("Boxes over the border are clipped and counted, those outside are refused") {
  const VocFolder voc;
  voc.add("a", annotation_xml(object_xml("cat", -3, 0, 41, 12) + object_xml("cat", 2, 3, 40, 30)));
  VocReport report;
  const Dataset d = index_voc(options_for(voc), report);
  REQUIRE(report.clipped_boxes == 1);
  const Box& b = d.images[0].boxes[0];
  REQUIRE((b.x0 == 1 && b.y0 == 1 && b.x1 == 40 && b.y1 == 12));
  voc.add("a", annotation_xml(object_xml("cat", 50, 3, 60, 12)));
  REQUIRE_THROWS_WITH(index(options_for(voc)),
                      Contains("a.xml: object 1: box (50, 3, 60, 12) lies outside the image of 40x30"));
}

TEST_CASE("Lists may have the second column of per-class lists, paths, blanks and carriage returns") {
  const VocFolder voc;
  voc.list("train",
           "\xEF\xBB\xBF"
           "a  1\r\nb -1\r\nc  0\r\n\r\n");
  voc.list("val",
           "/JPEGImages/d/e f.jpg /SegmentationClass/d/e f.png\n/JPEGImages/b.jpg /SegmentationClassAug/b.png\n");
  Dataset d = index(options_for(voc));
  std::vector<std::string> ids;
  for (const int64_t i : d.split("train")) ids.push_back(d.images[static_cast<size_t>(i)].id);
  REQUIRE(ids == std::vector<std::string>{"a", "c"});
  REQUIRE(d.images[static_cast<size_t>(d.split("val")[0])].id == "d/e f");
  // An image whose id ends like a flag is an image.
  voc.add("a 1", annotation_xml(object_xml("cat", 5, 6, 20, 25)));
  voc.list("train", "a 1\n");
  d = index(options_for(voc));
  REQUIRE(d.images[static_cast<size_t>(d.split("train")[0])].id == "a 1");
}

TEST_CASE("Lists are found by path, below the root and below ImageSets") {
  const VocFolder voc;
  write_file(voc.directory / "my list", "b\n");
  write_file(voc.root / "own.txt", "c\n");
  VocOptions options = options_for(voc);
  options.splits = {{"x", (voc.directory / "my list").string()}, {"y", "own.txt"}, {"z", "val.txt"}};
  const Dataset d = index(options);
  REQUIRE(d.images[static_cast<size_t>(d.split("x")[0])].id == "b");
  REQUIRE(d.split("y").size() == 1);
  REQUIRE(d.split("z").size() == 2);
  options.splits = {{"x", "nowhere"}};
  REQUIRE_THROWS_WITH(index(options), Contains("list 'nowhere'"));
}

TEST_CASE("Class names come from the options, else classes.txt of the folder, else VOC") {
  const VocFolder voc;
  write_file(voc.root / "classes.txt", "dog\ncat\n");
  for (const std::string id : {"a", "c", "d/e f"}) voc.add_mask(id, 2);
  Dataset d = index(options_for(voc));
  REQUIRE(d.class_names == std::vector<std::string>{"background", "dog", "cat"});
  REQUIRE(d.images[0].boxes[0].class_id == 2);
  VocOptions options = options_for(voc);
  options.class_names = with_background({"cat", "dog"}, "test");
  REQUIRE(index(options).images[0].boxes[0].class_id == 1);
  REQUIRE_THROWS_WITH(with_background({"cat", "cat"}, "test"), Contains("'cat'"));
  REQUIRE_THROWS_WITH(with_background({}, "test"), Contains("names no class"));
  REQUIRE_THROWS_WITH(with_background(std::vector<std::string>(300, "x"), "test"), Contains("301 classes"));
}

TEST_CASE("Unknown classes are all named, with the known ones and the nearest") {
  const VocFolder voc;
  voc.add("a", annotation_xml(object_xml("kat", 5, 6, 20, 25) + object_xml("kat", 5, 6, 20, 25) +
                              object_xml("zebra", 5, 6, 20, 25)));
  VocOptions options = options_for(voc);
  options.skips_bad_images = true;  // a wrong class list is not an image's fault
  REQUIRE_THROWS_WITH(index(options), Contains("a.xml") && Contains("'kat' (2 objects; did you mean 'cat'?)") &&
                                          Contains("'zebra' (1 objects)") && Contains("tvmonitor"));
}

TEST_CASE("Bad images are skipped when asked, recorded, and the rest is indexed") {
  const VocFolder voc;
  voc.list("train", "a\nabsent\nb\n");
  const std::string jpeg = read_file(voc.jpeg("b"));
  write_file(voc.jpeg("b"), jpeg.substr(0, jpeg.size() / 2));
  VocOptions options = options_for(voc);
  REQUIRE_THROWS_WITH(index(options),
                      Contains("train.txt:2: image 'absent' is absent") && Contains("2 of 5 images are bad"));
  options.skips_bad_images = true;
  VocReport report;
  const Dataset d = index_voc(options, report);
  REQUIRE(report.skipped.size() == 2);
  REQUIRE_THAT(report.skipped[1], Contains("b.jpg"));
  REQUIRE(d.split("train").size() == 1);
  REQUIRE(d.images[static_cast<size_t>(d.split("train")[0])].id == "a");
  voc.list("train", "b\n");
  REQUIRE_THROWS_WITH(index(options), Contains("split 'train': all its 1 images are bad"));
}

TEST_CASE("Masks default to the augmented ones, or are named, or left out") {
  const VocFolder voc;
  VocOptions options = options_for(voc);
  write_label_png(voc.root / "SegmentationClassAug/b.png", LabelMap(30, 40, 3));
  REQUIRE(index(options).images[1].mask_path == "SegmentationClassAug/b.png");
  REQUIRE(index(options).images[0].mask_path.empty());
  options.masks = "SegmentationClass";
  REQUIRE(index(options).images[0].mask_path == "SegmentationClass/a.png");
  options.masks = (voc.root / "SegmentationClass").string();
  REQUIRE(index(options).images[0].mask_path == "SegmentationClass/a.png");
  write_label_png(voc.directory / "elsewhere/a.png", LabelMap(30, 40, 3));
  options.masks = (voc.directory / "elsewhere").string();
  const Dataset d = index(options);
  REQUIRE(d.mask_path(d.images[0]) == voc.directory / "elsewhere/a.png");
  options.masks = "none";
  REQUIRE(index(options).images[0].mask_path.empty());
  options.masks = "nowhere";
  REQUIRE_THROWS_WITH(index(options), Contains("--masks nowhere"));
}

TEST_CASE("A split may go without annotations when it says so") {
  const VocFolder voc;
  fs::remove(voc.xml_of("c"));
  VocOptions options = options_for(voc);
  REQUIRE_THROWS_WITH(index(options), Contains("c.xml"));
  options.without_boxes = {"val"};
  const Dataset d = index(options);
  REQUIRE(d.images[2].boxes.empty());
  REQUIRE(d.images[2].size == ImageSize{30, 40});
  REQUIRE(d.images[3].boxes.size() == 2);
  options.without_boxes = {"vla"};
  REQUIRE_THROWS_WITH(index(options), Contains("--without-boxes vla"));
}

TEST_CASE("Changed, damaged and missing files of an index are all named") {
  const VocFolder voc;
  const Dataset d = index(options_for(voc));
  REQUIRE(changed_files(d, 2).empty());
  fs::remove(voc.jpeg("b"));
  voc.add_mask("a", 9);
  const auto faults = changed_files(d, 2);
  REQUIRE(faults.size() == 2);
  REQUIRE_THAT(faults[0], Contains("SegmentationClass/a.png: changed"));
  REQUIRE_THAT(faults[1], Contains("b.jpg"));
}

TEST_CASE("The VOC subset beside the project is indexed whole", "[golden]") {
  SHARED_OR_SKIP(shared);
  set_log_level(LogLevel::silent);
  VocOptions options;
  options.root = shared / "voc2012-subset";
  options.splits = {{"train", "train"}, {"val", "val"}};
  options.threads = 2;
  VocReport report;
  const Dataset d = index_voc(options, report);
  REQUIRE(d.split("train").size() == 663);
  REQUIRE(d.split("val").size() == 314);
  REQUIRE(report.boxes == 2399);
  REQUIRE(report.clipped_boxes == 0);
  REQUIRE(report.images_with_mask == 977);
  REQUIRE(report.mask_folder == "SegmentationClassAug");
  // These names, sizes, boxes and files were recorded before anything was turned or doubted: they are the reference's
  // numbers.
  REQUIRE(d.digest("train", true) == "21a913cce4937ebae6dae64a8e9c1f2c");
  REQUIRE(d.digest("val", true) == "a0ca29cc570ba173dc0d95dc62ae7e1c");
}

TEST_CASE("The class list of VOC in the project is the built-in one") {
  REQUIRE(read_class_list(fs::path(BOXSEG_SOURCE_DIR) / "data/classes/voc.txt") == voc_class_names());
}
