// People's VOC folders have what VOC's own has not. Each kind gives the right value, a warning, or a refusal that says
// what to do; never a wrong value in silence.
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/data/formats/voc/voc.h"
#include "tests/data/voc_folder.h"
#include "tests/io/tiff.h"

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
  // The colours are VOC's, renumbered: 0 has a cat's, 1 the background's.
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
  REQUIRE(doubts("train", "train_aug").empty());
  REQUIRE(doubts("minitrain", "train").empty());
  for (const auto& [one, other] : std::vector<std::pair<std::string, std::string>>{
           {"fold1", "fold10"}, {"val", "val2"}, {"test", "test_hard"}, {"labelled", "unlabelled"}})
    REQUIRE_THAT(doubts(one, other), Contains(fmt::format("1 image is in {} and in {}", one, other)));
  // A copy under another name is the same photograph.
  voc.list("train", "a\nb\n");
  fs::copy_file(voc.jpeg("b"), voc.jpeg("c"), fs::copy_options::overwrite_existing);
  REQUIRE_THAT(doubts("train", "val"), Contains("the first is 'c', there as 'b' of the same bytes"));
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

TEST_CASE("What would be passed over in an annotation is refused, with its place") {
  const VocFolder voc;
  const std::string cat = object_xml("cat", 5, 6, 20, 25), whole = annotation_xml(cat);
  const auto refused = [&](const std::string& xml, const std::string& words) {
    CAPTURE(xml);
    write_file(voc.xml_of("a"), xml);
    REQUIRE_THROWS_WITH(index(voc), Contains("a.xml: ") && Contains(words));
  };
  refused(whole + whole, "<annotation> follows or precedes <annotation>: two documents in one file");
  refused("<annotation/>" + whole, "two documents in one file");
  refused(whole + cat, "<object> follows or precedes <annotation>");
  refused(annotation_xml("<objects>" + cat + "</objects>"), "<objects> stands in <annotation>, where it is not read");
  refused(annotation_xml("<Object><name>cat</name></Object>"), "<Object> stands in <annotation>");
  refused(annotation_xml("<object><name>cat</name>" + bndbox(1, 2, 3, 4) + cat + "</object>"),
          "<object> stands in <object>");
  for (const char* tag : {"item", "obj"})
    refused(annotation_xml(fmt::format("<{0}><name>cat</name>{1}</{0}>", tag, bndbox(1, 2, 3, 4)) + cat),
            fmt::format("<bndbox> stands in <{}>, where it is not read", tag));
  refused(annotation_xml("<object><name>cat</name>" + bndbox(1, 2, 3, 4) + "<Bndbox><xmin>1</xmin></Bndbox></object>"),
          "<Bndbox> stands in <object>, where it is not read");
  // Nor is a part of a number passed over.
  const auto with_xmin = [](const std::string& text) {
    return annotation_xml("<object><name>cat</name><bndbox><xmin>" + text +
                          "</xmin><ymin>2</ymin><xmax>20</xmax><ymax>4</ymax></bndbox></object>");
  };
  refused(with_xmin("1<b/>0"), "object 1 (cat): <xmin> holds <b>, expected a text");
  refused(with_xmin("10<sub>5</sub>"), "<xmin> holds <sub>");
  refused(with_xmin("1&#x00;0"), "'&#x00;' at byte");
  for (const char* ten : {"1<!-- was 9 -->0", "1<![CDATA[0]]>", "&#49;0", " 10\n"}) {
    write_file(voc.xml_of("a"), with_xmin(ten));
    REQUIRE(index(voc).boxes() == Boxes{{10, 2, 20, 4}});
  }
  // VOC's own annotations have boxes of heads and hands in their objects.
  write_file(voc.xml_of("a"), annotation_xml("<object><name>cat</name>" + bndbox(1, 2, 3, 4) +
                                             "<part><name>head</name>" + bndbox(1, 2, 2, 3) + "</part></object>"));
  REQUIRE(index(voc).boxes() == Boxes{{1, 2, 3, 4}});
  refused(annotation_xml("<object><name>cat<b>fish</b></name>" + bndbox(1, 2, 3, 4) + "</object>"),
          "object 1: <name> holds <b>, expected a text");
  for (const char* shares :
       {"0.1</xmin><ymin>0.2</ymin><xmax>0.5</xmax><ymax>0.75", "0</xmin><ymin>0</ymin><xmax>1</xmax><ymax>0.5"})
    refused(annotation_xml(fmt::format("<object><name>cat</name><bndbox><xmin>{}</ymax></bndbox></object>", shares)),
            "is in shares of the image, not in pixels; multiply by width and height");
  // A comment, a processing instruction, an empty list and CDATA are not refused.
  write_file(voc.xml_of("a"),
             "<?xml version='1.0'?><!-- by hand -->" +
                 annotation_xml("<objects/><object><name>c<![CDATA[at]]></name>" + bndbox(1, 2, 3, 4) + "</object>") +
                 "<!-- end -->\n");
  REQUIRE(index(voc).boxes() == Boxes{{1, 2, 3, 4}});
}

TEST_CASE("An object without name or box loses itself, not its image, when bad ones are skipped") {
  const VocFolder voc;
  const std::string cat = object_xml("cat", 5, 6, 20, 25);
  for (const std::string& bad :
       std::vector<std::string>{"<object><name>cat</name></object>", "<object>" + bndbox(1, 2, 3, 4) + "</object>",
                                "<object><name>cat</name><name>dog</name>" + bndbox(1, 2, 3, 4) + "</object>"}) {
    CAPTURE(bad);
    voc.add("a", annotation_xml(cat + bad));
    REQUIRE_THROWS_WITH(index(voc), Contains("a.xml: object 2"));
    const Indexed i = index(voc, true);
    REQUIRE(i.boxes() == Boxes{{5, 6, 20, 25}});
    REQUIRE(i.report.lost_boxes.size() == 1);
  }
}

TEST_CASE("Boxes that were drawn turned are said to be, as three tools write them") {
  const VocFolder voc;
  for (const char* turned :
       {"<attributes><attribute><name>rotation</name><value>45.0</value></attribute></attributes>",
        "<robndbox><cx>9</cx><cy>9</cy><w>4</w><h>4</h><angle>0.3</angle></robndbox>", "<angle>12</angle>"}) {
    CAPTURE(turned);
    voc.add("a", annotation_xml("<object><name>cat</name>" + bndbox(5, 6, 20, 25) + turned + "</object>"));
    REQUIRE_THAT(index(voc).doubts(), Contains("a.xml: object 1 (cat) was drawn as a rotated box"));
  }
  for (const char* straight :
       {"<attributes><attribute><name>rotation</name><value>0.0</value></attribute><attribute><name>occluded</name>"
        "<value>1</value></attribute></attributes>",
        "<angle>0</angle>"}) {
    voc.add("a", annotation_xml("<object><name>cat</name>" + bndbox(5, 6, 20, 25) + straight + "</object>"));
    REQUIRE_THAT(index(voc).doubts(), !Contains("rotated"));
  }
}

TEST_CASE("The box that is clipped the most is named with its numbers") {
  const VocFolder voc;
  voc.add("a", annotation_xml(object_xml("cat", -3, 1, 40, 12)));
  voc.add("b", annotation_xml(object_xml("cat", 5, 6, 20, 25) + object_xml("cat", 1, 1, 2000, 2500)));
  const Indexed i = index(voc);
  REQUIRE(i.report.clipped_boxes == 2);
  REQUIRE_THAT(i.report.most_clipped_box, Contains("b.xml: object 2: (1, 1, 2000, 2500) on 40x30 pixels"));
}

TEST_CASE("An annotation of another name, at another place or of another image is told") {
  const VocFolder voc;
  for (const char* name : {"a.jpg.xml", "a.xml.xml"}) {
    fs::rename(voc.xml_of("a"), voc.root / "Annotations" / name);
    REQUIRE_THROWS_WITH(index(voc), Contains(fmt::format("there is Annotations/{}: rename it a.xml", name)));
    fs::rename(voc.root / "Annotations" / name, voc.xml_of("a"));
  }
  fs::rename(voc.xml_of("a"), voc.root / "JPEGImages/a.xml");
  REQUIRE_THROWS_WITH(index(voc), Contains("there is JPEGImages/a.xml: move it to Annotations"));
  fs::remove(voc.root / "JPEGImages/a.xml");
  const auto with_name = [&](const std::string& name) {
    voc.add("a", annotation_xml("<filename>" + name + "</filename>" + object_xml("cat", 5, 6, 20, 25)));
    return index(voc).doubts();
  };
  REQUIRE_THAT(with_name("b.jpg"), Contains("a.xml: <filename> is b.jpg, another image of the lists"));
  for (const char* fine : {"a.jpg", "a", "IMG_0001.JPG", ""}) REQUIRE_THAT(with_name(fine), !Contains("<filename>"));
}

TEST_CASE("Photographs that decode to less than they should are said") {
  const VocFolder voc;
  RgbImage black(30, 40);
  std::fill(black.pixels.begin(), black.pixels.end(), uint8_t{3});
  write_rgb_png(voc.root / "JPEGImages/a.png", black);
  fs::remove(voc.jpeg("a"));
  REQUIRE_THAT(index(voc).doubts(), Contains("a.png is almost black, its brightest value 3 of 255"));
  std::string jpeg = read_file(voc.jpeg("b"));
  jpeg.erase(jpeg.size() - 152, 150);  // its end marker stays
  write_file(voc.jpeg("b"), jpeg);
  REQUIRE_THAT(index(voc).doubts(), Contains("b.jpg: ") && Contains("a part of its pixels is a guess"));
  write_file(voc.jpeg("b"), tiff_file(30, 40, 2));
  REQUIRE_THAT(index(voc).doubts(), Contains("b.jpg: holds 2 pages: the first is taken"));
}

TEST_CASE("Names that look like a class's are told apart by what cannot be seen") {
  const VocFolder voc;
  const auto hint = [&](const std::string& name, const std::string& words) {
    CAPTURE(name);
    voc.add("a", annotation_xml(object_xml(name, 5, 6, 20, 25)));
    REQUIRE_THROWS_WITH(index(voc), Contains(words));
  };
  hint("CAT", "unknown class 'CAT' (1 objects; did you mean 'cat'?)");
  hint("cat\xC2\xA0", "unknown class 'cat\\u00A0' (1 objects; did you mean 'cat'?)");
  hint(
      "\xE2\x80\x8B"
      "cat",
      "unknown class '\\u200Bcat'");
}

TEST_CASE("A line of another kind of list is told from an image that is not there") {
  const VocFolder voc;
  for (const char* line : {"images/a.jpg labels/a.png", "a.jpg,1", "\"a\"", "VOC\\a"}) {
    CAPTURE(line);
    voc.list("train", std::string(line) + "\nb\n");
    REQUIRE_THROWS_WITH(index(voc), Contains("is absent") && Contains("is the name of an image without its suffix"));
  }
  voc.list("train", "x\nb\n");
  REQUIRE_THROWS_WITH(index(voc), Contains("is absent") && !Contains("without its suffix"));
}

TEST_CASE("A class whose accents are other bytes than the list's is told") {
  const VocFolder voc;
  write_file(voc.root / "classes.txt", "cat\ndog\n\xC3\xA9toile\n");
  voc.add("a", annotation_xml(object_xml("e\xCC\x81toile", 5, 6, 20, 25)));
  REQUIRE_THROWS_WITH(index(voc), Contains("did you mean '\xC3\xA9toile', whose accents are other bytes"));
}
