#include "common/data/formats/voc/voc_boxes.h"

#include "common/base/text.h"
#include "tests/data/voc_folder.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// XML files in a folder of their own.
struct Annotations {
  TemporaryDirectory directory;
  std::vector<fs::path> files;
  void add(const std::string& name, const std::string& xml) {
    files.push_back(directory / name);
    write_file(files.back(), xml);
  }
  BoxAnnotations read() const { return read_voc_boxes(files, 2); }
};

BoxAnnotations read_one(const std::string& xml) {
  Annotations one;
  one.add("a.xml", xml);
  return one.read();
}

std::string object(const std::string& name, const std::string& inside) {
  return "<object><name>" + name + "</name>" + inside + "</object>";
}

std::string corners(const std::string& x0, const std::string& y0, const std::string& x1, const std::string& y1) {
  return fmt::format("<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>", x0, y0, x1, y1);
}

std::string edges(const AnnotatedBox& box) { return fmt::format("{} {} {} {}", box.x0, box.y0, box.x1, box.y1); }

std::string named(const std::string& filename) {
  return annotation_xml("<filename>" + filename + "</filename>" + object_xml("cat", 5, 6, 20, 25));
}

}  // namespace

TEST_CASE("An annotation as labelImg writes it becomes edges of pixels", "[cpu]") {
  const BoxAnnotations all = read_one(R"(<annotation verified="yes">
	<folder>photos</folder>
	<filename>a.jpg</filename>
	<path>C:\photos\a.jpg</path>
	<source><database>Unknown</database></source>
	<size><width>40</width><height>30</height><depth>3</depth></size>
	<segmented>0</segmented>
	<object>
		<name>cat</name><pose>Unspecified</pose><truncated>0</truncated><difficult>1</difficult>
		<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>40</xmax><ymax>30</ymax></bndbox>
	</object>
	<object><name>big dog</name><bndbox><xmin>7</xmin><ymin>7</ymin><xmax>7</xmax><ymax>7</ymax></bndbox></object>
</annotation>)");
  REQUIRE(all.format == "VOC XML");
  REQUIRE(all.class_names == std::vector<std::string>{"big dog", "cat"});
  REQUIRE_FALSE(all.has_class_order);
  REQUIRE(all.images.size() == 1);
  const AnnotatedImage& image = all.images[0];
  REQUIRE(image.name == "a.jpg");
  REQUIRE(image.size == ImageSize{30, 40});
  REQUIRE(image.file.filename() == "a.xml");
  REQUIRE(image.boxes.size() == 2);
  REQUIRE(edges(image.boxes[0]) == "0 1 40 30");
  REQUIRE(image.boxes[0].is_difficult);
  REQUIRE(image.boxes[0].class_name == "cat");
  REQUIRE(edges(image.boxes[1]) == "6 6 7 7");
  REQUIRE_FALSE(image.boxes[1].is_difficult);
  REQUIRE(image.boxes[1].place == "object 2");
  REQUIRE(all.bad_boxes.empty());
  REQUIRE(all.doubts.empty());
}

TEST_CASE("Images are sorted by name, also those without objects and without a size", "[cpu]") {
  Annotations files;
  files.add("c.xml", "<annotation><filename>c.png</filename></annotation>");
  files.add("b.xml", annotation_xml("", 0, 0));
  files.add("a.xml", named("a.jpg"));
  const BoxAnnotations all = files.read();
  REQUIRE(all.images.size() == 3);
  REQUIRE(all.images[0].name == "a.jpg");
  REQUIRE(all.images[1].name == "b");
  REQUIRE(all.images[1].size == ImageSize{});
  REQUIRE(all.images[2].name == "c.png");
  REQUIRE(all.images[2].size == ImageSize{});
  REQUIRE(all.images[2].boxes.empty());
  REQUIRE(all.doubts.empty());
}

TEST_CASE("A photograph is named by <filename> where it agrees with the XML file's name", "[cpu]") {
  for (const char* name :
       {"a b\xC3\xA9.jpg", "a b\xC3\xA9", "d/e/a b\xC3\xA9.JPEG", "C:\\my photos\\a b\xC3\xA9.png"}) {
    CAPTURE(name);
    Annotations files;
    files.add("a b\xC3\xA9.xml", named(name));
    const BoxAnnotations all = files.read();
    REQUIRE(all.images[0].name == name);
    REQUIRE(all.doubts.empty());
  }
  Annotations files;
  files.add("x.jpg.xml", named("x.jpg"));
  files.add("y.v1.xml", named("y.v1"));
  REQUIRE(files.read().images[0].name == "x.jpg");
  REQUIRE(files.read().images[1].name == "y.v1");
  REQUIRE(files.read().doubts.empty());
}

TEST_CASE("A <filename> of another photograph gives way to the XML file's name, with a count", "[cpu]") {
  Annotations files;
  files.add("b.xml", named("IMG_0001.JPG"));
  files.add("a.xml", named("IMG_0001.JPG"));
  files.add("c.xml", named("c.jpg"));
  const BoxAnnotations all = files.read();
  REQUIRE(all.images[0].name == "a");
  REQUIRE(all.images[1].name == "b");
  REQUIRE(all.doubts.size() == 1);
  REQUIRE_THAT(all.doubts[0], StartsWith("2 annotations have another photograph in <filename>") &&
                                  Contains("b.xml with IMG_0001.JPG"));
}

TEST_CASE("Numbers below 1 are told, since they tell of a tool that counts from 0", "[cpu]") {
  const BoxAnnotations all = read_one(annotation_xml(object("cat", corners("0", "3", "9", "9")) +
                                                     object("cat", corners("2", "0.5", "9", "9")) +
                                                     object("cat", corners("1", "1", "9", "9"))));
  REQUIRE(edges(all.images[0].boxes[0]) == "-1 2 9 9");
  REQUIRE(all.doubts.size() == 1);
  REQUIRE_THAT(all.doubts[0], StartsWith("2 of 3 boxes have an xmin or ymin below 1") && Contains("object 1 (cat)"));
}

TEST_CASE("A bad box loses itself, and says why and where", "[cpu]") {
  const auto bad = [](const std::string& xml, const std::string& words) {
    CAPTURE(xml);
    const BoxAnnotations all = read_one(annotation_xml(xml + object("dog", corners("1", "1", "5", "5"))));
    REQUIRE(all.images[0].boxes.size() == 1);
    REQUIRE(all.images[0].boxes[0].class_name == "dog");
    REQUIRE(all.bad_boxes.size() == 1);
    REQUIRE_THAT(all.bad_boxes[0], Contains("a.xml: object 1") && Contains(words) && !Contains("out of the list"));
  };
  bad(object("cat", corners("9", "1", "5", "5")),
      "the box is inverted: xmin 9, xmax 5; correct it, or remove the object");
  bad(object("cat", corners("1", "9", "5", "5")), "the box is inverted: ymin 9, ymax 5");
  bad(object("cat", corners("nan", "1", "5", "5")), "<xmin> is 'nan', expected a number of pixels");
  bad(object("cat", corners("1", "inf", "5", "5")), "<ymin> is 'inf'");
  bad(object("cat", corners("1", "1", "5,5", "5")), "<xmax> is '5,5'");
  bad(object("cat", corners("1", "1", "", "5")), "<xmax> is ''");
  bad(object("cat", corners("1", "1", "1e9", "5")), "<xmax> is '1e9'");
  bad(object("cat", "<bndbox><xmin>1</xmin></bndbox>"), "lacks <ymin>");
  bad(object("cat", corners("0.1", "0.2", "0.5", "0.75")), "is in shares of the image, not in pixels");
  bad(object("cat", ""), "lacks <bndbox>; add it, or remove the object");
  bad(object("", corners("1", "1", "5", "5")), "lacks <name>");
  bad("<object>" + corners("1", "1", "5", "5") + "</object>", "lacks <name>");
  bad(object("background", corners("1", "1", "5", "5")), "its class stands for what is no object");
}

TEST_CASE("The background is no class, and a class may have bad boxes alone", "[cpu]") {
  const BoxAnnotations all = read_one(
      annotation_xml(object("_background_", corners("1", "1", "5", "5")) + object("cat", corners("9", "1", "5", "5"))));
  REQUIRE(all.class_names == std::vector<std::string>{"cat"});
  REQUIRE(all.bad_boxes.size() == 2);
}

TEST_CASE("Turned boxes, several boxes of an object and parts are taken or left as the header says", "[cpu]") {
  const std::string turned = "<robndbox><cx>9</cx><cy>9</cy><w>4</w><h>4</h><angle>0.3</angle></robndbox>";
  Annotations files;
  files.add("a.xml", annotation_xml(object("cat", corners("1", "1", "5", "5") + turned) +
                                    object("cat", corners("1", "1", "5", "5") + corners("2", "2", "6", "6"))));
  files.add("b.xml", annotation_xml(object("cat", corners("1", "1", "5", "5") + "<part><name>head</name>" +
                                                      corners("1", "1", "2", "2") + "</part>")));
  const BoxAnnotations all = files.read();
  REQUIRE(all.images[0].boxes.size() == 3);
  REQUIRE(all.images[1].boxes.size() == 1);
  REQUIRE(all.class_names == std::vector<std::string>{"cat"});
  const std::string doubts = join(all.doubts, "\n");
  REQUIRE_THAT(doubts, Contains("1 <bndbox> stands in an object that has one already") && Contains("object 2 (cat)"));
  REQUIRE_THAT(doubts, Contains("1 annotation has boxes that were drawn turned") && Contains("object 1 (cat)"));
}

TEST_CASE("A file that is no annotation as a whole is refused with its name", "[cpu]") {
  const auto refused = [](const std::string& xml, const std::string& words) {
    CAPTURE(xml);
    const Failure failure = failure_of([&] { read_one(xml); });
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE_THAT(failure.message, Contains("a.xml: ") && Contains(words));
  };
  const std::string cat = object_xml("cat", 5, 6, 20, 25), whole = annotation_xml(cat);
  refused("", "is no well-formed XML");
  refused(whole.substr(0, whole.size() - 20), "is no well-formed XML");
  refused("<html/>", "has no <annotation>");
  refused(whole + whole, "two documents in one file");
  refused(annotation_xml("<objects>" + cat + "</objects>"), "<objects> stands in <annotation>, where it is not read");
  refused(annotation_xml(cat, -3, 2), "<size> is -3x2; correct it");
  refused("<annotation><size><width>w</width><height>3</height></size></annotation>", "<width> is 'w'");
  REQUIRE_THROWS_WITH(read_voc_boxes({"no such file.xml"}, 1), Contains("no such file.xml: cannot be read"));
}

TEST_CASE("Annotations in UTF-16, with a byte order mark or Windows' line ends are read as any other", "[cpu]") {
  const std::string plain = named("a.jpg");
  std::string wide = "\xFF\xFE";
  for (const char c : plain) wide += std::string{c, '\0'};
  std::string windows = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n" + plain;
  for (size_t at = 0; (at = windows.find("><", at)) != std::string::npos;) windows.replace(at, 2, ">\r\n<");
  for (const std::string& xml : {plain, wide, windows}) {
    const BoxAnnotations all = read_one(xml);
    REQUIRE(all.images[0].name == "a.jpg");
    REQUIRE(all.images[0].boxes.size() == 1);
    REQUIRE(edges(all.images[0].boxes[0]) == "4 5 20 25");
    REQUIRE(all.class_names == std::vector<std::string>{"cat"});
  }
}
