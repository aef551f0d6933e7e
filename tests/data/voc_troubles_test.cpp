// What people's VOC folders have that VOC's own has not: each kind gives the right value, a warning, or a refusal that
// says what to do; never a wrong value in silence.
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/data/voc.h"
#include "tests/data/voc_folder.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

struct Indexed {
  Dataset dataset;
  VocReport report;
  std::string doubts() const {
    std::string text;
    for (const auto& doubt : report.doubts) text += doubt + "\n";
    return text;
  }
  std::vector<std::vector<float>> boxes(size_t image = 0) const {
    std::vector<std::vector<float>> all;
    for (const Box& b : dataset.images.at(image).boxes) all.push_back({b.x0, b.y0, b.x1, b.y1});
    return all;
  }
};

using Boxes = std::vector<std::vector<float>>;

Indexed index(const VocFolder& voc, bool skips = false, const std::string& masks = "",
              std::vector<std::pair<std::string, std::string>> splits = {{"train", "train"}, {"val", "val"}}) {
  set_log_level(LogLevel::silent);
  VocOptions options;
  options.root = voc.root;
  options.splits = std::move(splits);
  options.masks = masks;
  options.skips_bad_images = skips;
  options.known_lists = {};
  Indexed result;
  result.dataset = index_voc(options, result.report);
  return result;
}

std::string bndbox(int x0, int y0, int x1, int y1) {
  return fmt::format("<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>", x0, y0, x1, y1);
}

}  // namespace

TEST_CASE("The folder of the tests raises no doubt but that an image has no mask") {
  const Indexed i = index(VocFolder());
  REQUIRE(i.report.doubts.size() == 1);
  REQUIRE_THAT(i.doubts(), Contains("1 of 2 images have no mask"));
}

TEST_CASE("Every box of an object is taken, and said to be") {
  const VocFolder voc;
  voc.add("a",
          annotation_xml("<object><name>cat</name><difficult>1</difficult>" + bndbox(5, 5, 12, 12) +
                         bndbox(14, 3, 20, 29) + bndbox(30, 20, 40, 30) + "</object>" + object_xml("dog", 1, 2, 3, 4)));
  const Indexed i = index(voc);
  REQUIRE(i.boxes() == Boxes{{5, 5, 12, 12}, {14, 3, 20, 29}, {30, 20, 40, 30}, {1, 2, 3, 4}});
  REQUIRE((i.dataset.images[0].boxes[2].is_difficult && i.dataset.images[0].boxes[2].class_id == 8));
  REQUIRE_THAT(i.doubts(), Contains("a.xml: object 1 has several <bndbox>: each is taken as a box"));
}

TEST_CASE("A box of one pixel, one column or one row is a box") {
  const VocFolder voc;
  voc.add("a", annotation_xml(object_xml("cat", 7, 7, 7, 7) + object_xml("cat", 9, 2, 9, 30) +
                              object_xml("cat", 40, 30, 40, 30) + object_xml("cat", 1, 1, 1, 1)));
  const Indexed i = index(voc);
  REQUIRE(i.boxes() == Boxes{{7, 7, 7, 7}, {9, 2, 9, 30}, {40, 30, 40, 30}, {1, 1, 1, 1}});
  REQUIRE(i.report.clipped_boxes == 0);
}

TEST_CASE("A box at the border is clipped to the pixels that it has in the image") {
  const VocFolder voc;
  voc.add("a", annotation_xml(object_xml("cat", 40, 10, 41, 20) + object_xml("cat", 0, 0, 1, 9) +
                              object_xml("cat", 40.4, 2, 44, 3) + object_xml("cat", 5, 30, 9, 99)));
  const Indexed i = index(voc);
  REQUIRE(i.boxes() == Boxes{{40, 10, 40, 20}, {1, 1, 1, 9}, {40, 2, 40, 3}, {5, 30, 9, 30}});
  REQUIRE(i.report.clipped_boxes == 4);
  for (const auto& [x0, x1] : {std::pair{41, 50}, {-9, 0}, {0, 0}}) {
    voc.add("a", annotation_xml(object_xml("cat", x0, 10, x1, 20)));
    REQUIRE_THROWS_WITH(index(voc), Contains("lies outside the image of 40x30 pixels (the first is 1"));
  }
}

TEST_CASE("One bad box does not take its image along when bad ones are skipped") {
  const VocFolder voc;
  const std::string good = object_xml("cat", 5, 6, 20, 25);
  for (const std::string& bad :
       std::vector<std::string>{object_xml("dog", 9, 2, 8, 3), object_xml("dog", 50, 2, 60, 3),
                                "<object><name>dog</name><bndbox><xmin>nan</xmin></bndbox></object>"}) {
    CAPTURE(bad);
    voc.add("a", annotation_xml(bad + good));
    REQUIRE_THROWS_WITH(index(voc), Contains("a.xml: object 1"));
    const Indexed i = index(voc, true);
    REQUIRE(i.dataset.images.size() == 4);
    REQUIRE(i.boxes() == Boxes{{5, 6, 20, 25}});
    REQUIRE(i.report.lost_boxes.size() == 1);
    REQUIRE_THAT(i.report.lost_boxes[0], Contains("a.xml: object 1"));
    REQUIRE(i.report.skipped.empty());
    voc.add("a", annotation_xml(bad));  // without any good box the image would be background
    REQUIRE(index(voc, true).report.skipped.size() == 1);
  }
}

TEST_CASE("An annotation of 0x0 pixels has its image's size, with a warning") {
  const VocFolder voc;
  voc.add("a", annotation_xml(object_xml("cat", 5, 6, 20, 25), 0, 0));
  voc.add("b", annotation_xml(object_xml("cat", 5, 6, 20, 25), 0, 0));
  const Indexed i = index(voc);
  REQUIRE(i.dataset.images[0].size == ImageSize{30, 40});
  REQUIRE_THAT(i.doubts(), Contains("a.xml: <size> is 0x0") && Contains("40x30") && Contains("so are 1 more images"));
  voc.add("a", annotation_xml(object_xml("cat", 5, 6, 20, 25), 0, 30));
  REQUIRE_THROWS_WITH(index(voc), Contains("<size> is 0x30"));
}

TEST_CASE("Suffixes of images, annotations and masks may have capital letters") {
  const VocFolder voc;
  fs::rename(voc.jpeg("a"), voc.root / "JPEGImages/a.Jpg");
  fs::rename(voc.xml_of("a"), voc.root / "Annotations/a.XML");
  fs::rename(voc.root / "SegmentationClass/a.png", voc.root / "SegmentationClass/a.PNG");
  voc.list("train", "JPEGImages/a.Jpg SegmentationClass/a.PNG\n");
  const ImageEntry e = index(voc).dataset.images[0];
  REQUIRE((e.id == "a" && e.path == "JPEGImages/a.Jpg" && e.mask_path == "SegmentationClass/a.PNG"));
  REQUIRE(e.boxes.size() == 1);
}

TEST_CASE("Two images of one name are told, and the first suffix is taken") {
  const VocFolder voc;
  write_rgb_png(voc.root / "JPEGImages/a.png", RgbImage(30, 40));
  const Indexed i = index(voc);
  REQUIRE(i.dataset.images[0].path == "JPEGImages/a.jpg");
  REQUIRE_THAT(i.doubts(), Contains("image 'a' may be any of JPEGImages/a.jpg, JPEGImages/a.png: the first is taken"));
}

TEST_CASE("Names whose accents are other bytes are told for images, annotations and masks") {
  const VocFolder voc;
  const std::string whole = "caf\xC3\xA9", decomposed = "cafe\xCC\x81";
  voc.add(decomposed, annotation_xml(object_xml("cat", 5, 6, 20, 25)));
  voc.list("train", whole + "\n");
  REQUIRE_THROWS_WITH(index(voc),
                      Contains("train.txt:1") && Contains("JPEGImages/" + decomposed + ".jpg, whose accents"));
  fs::rename(voc.jpeg(decomposed), voc.jpeg(whole));
  REQUIRE_THROWS_WITH(index(voc), Contains("Annotations/" + decomposed + ".xml, whose accents"));
  fs::rename(voc.xml_of(decomposed), voc.xml_of(whole));
  voc.add_mask(decomposed, 8);
  REQUIRE_THAT(index(voc).doubts(), Contains("is taken without mask; there is SegmentationClass/" + decomposed));
}

TEST_CASE("A mask folder without a mask of any image is said, or refused when it was named") {
  const VocFolder voc;
  fs::rename(voc.root / "SegmentationClass", voc.root / "SegmentationClassPNG");
  REQUIRE(index(voc).doubts().empty());  // no folder, no expectation
  for (const char* name : {"a.npy", "c.npy"}) write_file(voc.root / "SegmentationClass" / name, "");
  REQUIRE_THAT(index(voc).doubts(), Contains("SegmentationClass holds no ID.png") &&
                                        Contains("it holds a.npy, c.npy") &&
                                        Contains("try --masks SegmentationClassPNG"));
  REQUIRE_THROWS_WITH(index(voc, false, "SegmentationClass"), Contains("--masks SegmentationClass: holds no ID.png"));
  REQUIRE_THROWS_WITH(index(voc, false, "Annotations"), Contains("--masks Annotations: holds no ID.png"));
  REQUIRE(index(voc, false, "SegmentationClassPNG").report.images_with_mask == 3);
}

TEST_CASE("Masks of other meanings are told by their boxes") {
  const VocFolder voc;
  LabelMap binary(30, 40);
  for (int64_t y = 5; y < 25; ++y)
    for (int64_t x = 4; x < 20; ++x) binary.at(y, x) = 255;
  for (const char* id : {"a", "c", "d/e f"})
    write_label_png(voc.root / "SegmentationClass" / (std::string(id) + ".png"), binary);
  REQUIRE_THAT(index(voc).doubts(), Contains("the masks in SegmentationClass and the boxes do not agree") &&
                                        Contains("'cat' (3 images), 'dog' (1 image)") &&
                                        Contains("are filled with 255"));
  for (const char* id : {"a", "c", "d/e f"}) voc.add_mask(id, 1);  // objects, numbered
  REQUIRE_THAT(index(voc).doubts(), Contains("'aeroplane' (3 images)"));
  // VOC's colours, renumbered: 0 is a cat's, 1 the background's.
  for (const char* id : {"a", "c", "d/e f"})
    write_label_png(voc.root / "SegmentationClass" / (std::string(id) + ".png"), LabelMap(30, 40, 1),
                    {voc_palette()[8], voc_palette()[0]});
  REQUIRE_THAT(index(voc).doubts(), Contains("a.png: index 1 has VOC's colour of class 0 (background), and 3 of 3"));
}

TEST_CASE("Images that stand in two splits are said, unless the names of the splits say so") {
  const VocFolder voc;
  voc.list("train", "a\nb\nc\n");
  const auto doubts = [&](const std::string& one, const std::string& other) {
    return index(voc, false, "none", {{one, "train"}, {other, "val"}}).doubts();
  };
  REQUIRE_THAT(doubts("train", "val"), Contains("1 image is in train and in val, the first is 'c'"));
  REQUIRE_THAT(doubts("fold1", "fold2"), Contains("1 image is in fold1 and in fold2"));
  REQUIRE_THAT(doubts("train", "test"), Contains("1 image is in test and in train"));
  REQUIRE(doubts("trainval", "val").empty());
  REQUIRE(doubts("train_aug", "trainval").empty());
  REQUIRE(doubts("all", "val").empty());
}

TEST_CASE("Lists in UTF-16 are refused with their encoding") {
  const VocFolder voc;
  voc.list("train", std::string("\xFF\xFE"
                                "a\0\r\0\n\0",
                                8));
  REQUIRE_THROWS_WITH(index(voc), Contains("train.txt: is UTF-16"));
  voc.list("train", "a\nb\n");
  write_file(voc.root / "classes.txt", std::string("\xFE\xFF\0c\0a\0t\0\n", 10));
  REQUIRE_THROWS_WITH(index(voc), Contains("classes.txt: is UTF-16"));
}
