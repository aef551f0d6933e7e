#include "common/data/formats/cvat/cvat_boxes.h"

#include "common/base/text.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

BoxAnnotations read(const std::string& xml) {
  const TemporaryDirectory directory;
  write_file(directory / "annotations.xml", xml);
  return read_cvat_boxes(directory / "annotations.xml");
}

std::string annotations(const std::string& images, const std::string& meta = "") {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n  <version>1.1</version>\n  <meta>" + meta +
         "</meta>\n" + images + "</annotations>\n";
}

std::string image(const std::string& shapes, const std::string& attributes = "width=\"40\" height=\"30\"") {
  return "<image id=\"0\" name=\"a.jpg\" " + attributes + ">" + shapes + "</image>";
}

// A shape of the label "cat".
std::string shape(const std::string& element, const std::string& attributes) {
  return "<" + element + " label=\"cat\" occluded=\"0\" source=\"manual\" " + attributes + " z_order=\"0\"></" +
         element + ">";
}

std::string box(const std::string& x0, const std::string& y0, const std::string& x1, const std::string& y1,
                const std::string& more = "") {
  return shape("box", fmt::format("xtl=\"{}\" ytl=\"{}\" xbr=\"{}\" ybr=\"{}\" {}", x0, y0, x1, y1, more));
}

std::string mask(const std::string& runs, int left, int top, int width, int height) {
  return shape("mask", fmt::format("rle=\"{}\" left=\"{}\" top=\"{}\" width=\"{}\" height=\"{}\"", runs, left, top,
                                   width, height));
}

std::string edges(const AnnotatedBox& box) {
  return fmt::format("{:.6g} {:.6g} {:.6g} {:.6g}", box.x0, box.y0, box.x1, box.y1);
}

std::string labels(const std::string& names) {
  std::string text = "<labels>";
  for (const std::string& name : split(names, ','))
    text += "<label><name>" + name +
            "</name><color>#ff0000</color><type>any</type><attributes><attribute><name>colour</name>"
            "<values>red</values></attribute></attributes></label>";
  return text + "</labels>";
}

}  // namespace

TEST_CASE("An export of CVAT for images becomes images with boxes in its order", "[cpu]") {
  const BoxAnnotations all = read(annotations(
      R"(<image id="1" name="d/e f&#233;.jpg" subset="train" task_id="4" width="1600" height="1200">
    <box label="cat" source="manual" occluded="1" xtl="10.50" ytl="0.00" xbr="1600.00" ybr="20.25" z_order="2">
      <attribute name="colour">red</attribute>
    </box>
    <polygon label="big dog" source="manual" occluded="0" points="3.00,4.00;9.50,4.00;6.00,8.25" z_order="0"></polygon>
  </image>
  <image id="0" name="a\b.jpg" width="40" height="30">
  </image>)",
      "<task><id>4</id><name>a task</name>" + labels("zebra,cat,big dog") + "</task><dumped>today</dumped>"));
  REQUIRE(all.format == "CVAT XML");
  REQUIRE(all.class_names == std::vector<std::string>{"zebra", "cat", "big dog"});
  REQUIRE(all.has_class_order);
  REQUIRE(all.images.size() == 2);
  REQUIRE(all.images[0].name == "a\\b.jpg");
  REQUIRE(all.images[0].boxes.empty());
  const AnnotatedImage& image = all.images[1];
  REQUIRE(image.name == "d/e f\xC3\xA9.jpg");
  REQUIRE(image.id == "1");
  REQUIRE(image.size == ImageSize{1200, 1600});
  REQUIRE(image.file.filename() == "annotations.xml");
  REQUIRE(image.boxes.size() == 2);
  REQUIRE(edges(image.boxes[0]) == "10.5 0 1600 20.25");
  REQUIRE(image.boxes[0].rings.empty());
  REQUIRE(edges(image.boxes[1]) == "3 4 9.5 8.25");
  REQUIRE(image.boxes[1].rings == std::vector<std::vector<double>>{{3, 4, 9.5, 4, 6, 8.25}});
  REQUIRE(image.boxes[1].class_name == "big dog");
  REQUIRE(image.boxes[1].place == "image 'd/e f\xC3\xA9.jpg': polygon 1");
  REQUIRE(all.bad_boxes.empty());
  REQUIRE(all.doubts.empty());
}

TEST_CASE("Labels are those of a task, a project or a job, without points of skeletons and background", "[cpu]") {
  const std::string some = image(box("1", "2", "3", "4"));
  const std::string person = "<label><name>head</name><type>points</type><parent>person</parent></label>";
  for (const std::string& meta : std::vector<std::string>{
           "<task>" + labels("dog,cat") + "</task>", "<job>" + labels("dog,cat") + "</job>",
           "<project><tasks><task><name>one</name></task></tasks>" + labels("dog,cat,background") + "</project>",
           "<task>" + labels("dog") + "</task><task>" + labels("dog,cat") + "</task>",
           "<task><labels>" + person + "</labels>" + labels("dog,cat") + "</task>"}) {
    CAPTURE(meta);
    const BoxAnnotations all = read(annotations(some, meta));
    REQUIRE(all.class_names == std::vector<std::string>{"dog", "cat"});
    REQUIRE(all.has_class_order);
    REQUIRE(all.doubts.empty());
  }
  const BoxAnnotations all = read(annotations(
      image(box("1", "2", "3", "4") + "<box label='ant' xtl='1' ytl='1' xbr='2' ybr='2'/>"), "<task></task>"));
  REQUIRE(all.class_names == std::vector<std::string>{"ant", "cat"});
  REQUIRE_FALSE(all.has_class_order);
  REQUIRE(all.doubts.empty());
}

TEST_CASE("A label that the list lacks comes last, and is told", "[cpu]") {
  const BoxAnnotations all = read(annotations(image(box("1", "2", "3", "4")), "<task>" + labels("zebra") + "</task>"));
  REQUIRE(all.class_names == std::vector<std::string>{"zebra", "cat"});
  REQUIRE(all.doubts.size() == 1);
  REQUIRE_THAT(all.doubts[0], Contains("1 shape is of a label that <labels> in <meta> lacks") &&
                                  Contains("image 'a.jpg': box 1 with 'cat'"));
}

TEST_CASE("A turned box is the upright one around it, with its outline", "[cpu]") {
  // 20 x 10 around (20, 15); a quarter turn exchanges the sides, half of one stands on a corner.
  const auto turned = [](const std::string& degrees) {
    return read(annotations(image(box("10", "10", "30", "20", "rotation=\"" + degrees + "\""))));
  };
  const BoxAnnotations quarter = turned("90.00");
  REQUIRE(edges(quarter.images[0].boxes[0]) == "15 5 25 25");
  REQUIRE(quarter.images[0].boxes[0].rings == std::vector<std::vector<double>>{{25, 5, 25, 25, 15, 25, 15, 5}});
  REQUIRE(quarter.doubts.size() == 1);
  REQUIRE_THAT(quarter.doubts[0], Contains("1 box is turned") && Contains("image 'a.jpg': box 1"));
  // Clockwise by 30 degrees, the right end goes down: the corner (30, 20) comes to
  // (20 + 10 cos 30 - 5 sin 30, 15 + 10 sin 30 + 5 cos 30).
  const BoxAnnotations thirty = turned("30");
  const std::vector<double>& ring = thirty.images[0].boxes[0].rings.at(0);
  REQUIRE(ring.size() == 8);
  REQUIRE(ring[4] == Approx(26.16025).epsilon(1e-6));
  REQUIRE(ring[5] == Approx(24.33013).epsilon(1e-6));
  REQUIRE(edges(thirty.images[0].boxes[0]) == "8.83975 5.66987 31.1603 24.3301");
  for (const char* none : {"0", "0.00", "360", "-360"}) {
    CAPTURE(none);
    const BoxAnnotations straight = turned(none);
    REQUIRE(edges(straight.images[0].boxes[0]) == "10 10 30 20");
    REQUIRE(straight.images[0].boxes[0].rings.empty());
    REQUIRE(straight.doubts.empty());
  }
}

TEST_CASE("A mask of rows becomes COCO's columns of the whole image", "[cpu]") {
  // On 4 x 3 pixels, a rectangle of 3 x 2 whose left top is (1, 1):
  //   . . . .
  //   . . . #
  //   . # # .    columns: 3, then . . #, . . #, . # .
  const std::string size = "width=\"4\" height=\"3\"";
  const BoxAnnotations all = read(annotations(image(mask("2, 3, 1", 1, 1, 3, 2), size)));
  REQUIRE(all.bad_boxes.empty());
  const AnnotatedBox& box = all.images[0].boxes.at(0);
  REQUIRE(edges(box) == "1 1 4 3");
  REQUIRE(box.runs == std::vector<uint32_t>{5, 1, 2, 1, 1, 1, 1});
  REQUIRE(box.runs_size == ImageSize{3, 4});
  REQUIRE(box.rings.empty());
  // All pixels of the image: no zeros in front, as "0, 12" and in two runs with none between.
  for (const char* full : {"0, 12", "0,5,0,7", "0, 12, 0"}) {
    CAPTURE(full);
    const BoxAnnotations whole = read(annotations(image(mask(full, 0, 0, 4, 3), size)));
    REQUIRE(whole.images[0].boxes.at(0).runs == std::vector<uint32_t>{0, 12});
  }
  REQUIRE(read(annotations(image(mask("0,1", 3, 2, 1, 1), size))).images[0].boxes.at(0).runs ==
          std::vector<uint32_t>{11, 1});
  REQUIRE(read(annotations(image(mask("0,1", 0, 0, 1, 1), size))).images[0].boxes.at(0).runs ==
          std::vector<uint32_t>{0, 1, 11});
}

TEST_CASE("A bad shape loses itself, and says why and where", "[cpu]") {
  const auto bad = [](const std::string& shape, const std::string& words) {
    CAPTURE(shape);
    const BoxAnnotations all = read(annotations(image(shape + box("1", "2", "3", "4"))));
    REQUIRE(all.images[0].boxes.size() == 1);
    REQUIRE(all.bad_boxes.size() == 1);
    REQUIRE_THAT(all.bad_boxes[0], Contains("annotations.xml: image 'a.jpg': ") && Contains(words));
  };
  bad(box("9", "2", "3", "4"), "box 1: the box is inverted");
  bad(box("3", "2", "3", "4"), "the box has no area");
  bad(box("nan", "2", "3", "4"), "xtl is nan");
  bad(box("1", "2", "3,5", "4"), "xbr is '3,5', with a decimal comma");
  bad(box("1", "2", "3", "x"), "ybr is 'x'");
  bad(box("1", "2", "3", "4", "rotation=\"left\""), "rotation is 'left'");
  bad(shape("box", "xtl=\"1\" ytl=\"2\" xbr=\"3\""), "lacks ybr=\"...\"");
  bad("<box xtl='1' ytl='2' xbr='3' ybr='4'/>", "lacks label=\"...\"");
  bad("<box label=' ' xtl='1' ytl='2' xbr='3' ybr='4'/>", "its label is empty");
  bad("<box label='background' xtl='1' ytl='2' xbr='3' ybr='4'/>", "stands for what is no object");
  bad(shape("polygon", "points=\"1,2;3,4\""), "polygon 1: has 2 points");
  bad(shape("polygon", "points=\"\""), "has 0 points");
  bad(shape("polygon", "points=\"1,2;3,4;5\""), "point 3 is '5', expected x,y");
  bad(shape("polygon", "points=\"1,2;3,4,5;6,7\""), "point 2 is '3,4,5', expected x,y");
  bad(shape("polygon", "points=\"1,2;3,inf;6,7\""), "y of a point is inf");
  bad(shape("polygon", "points=\"1,2;1,3;1,4\""), "the box has no area");
  bad(mask("2, 3", 1, 1, 3, 2), "mask 1: its rle is of 5 pixels, its rectangle of 3x2");
  bad(mask("2, 5", 1, 1, 3, 2), "more pixels than its rectangle");
  bad(mask("2, -1, 5", 1, 1, 3, 2), "its rle has '-1'");
  bad(mask("6", 1, 1, 3, 2), "the mask has no pixel");
  bad(mask("", 1, 1, 3, 2), "its rle is of 0 pixels");
  bad(mask("0, 6", 38, 1, 3, 2), "not within the image of 40x30 pixels");
  bad(mask("0, 6", -1, 1, 3, 2), "not within the image");
  bad(mask("0, 0", 1, 1, 0, 2), "is empty");
  bad(shape("mask", "rle=\"0, 6\" left=\"1.5\" top=\"1\" width=\"3\" height=\"2\""), "left is 1.5");
  REQUIRE_THAT(join(read(annotations(image(mask("0, 6", 1, 1, 3, 2), ""))).bad_boxes, "\n"),
               Contains("a mask needs the size of its image"));
}

TEST_CASE("Shapes without a box and elements that are not known are told once for each kind", "[cpu]") {
  const BoxAnnotations all = read(annotations(
      image(shape("polyline", "points=\"1,2;3,4\"") + shape("polyline", "points=\"1,2;3,4\"") + shape("tag", "") +
            "<skeleton label=\"cat\"><points label=\"head\" points=\"1,2\"></points></skeleton>" +
            shape("box", "xtl=\"1\" ytl=\"2\" xbr=\"3\" ybr=\"4\" group_id=\"7\"")) +
      "<frame/>"));
  REQUIRE(all.images[0].boxes.size() == 1);
  REQUIRE(all.bad_boxes.empty());
  REQUIRE(all.doubts.size() == 5);
  const std::string doubts = join(all.doubts, "\n");
  REQUIRE_THAT(doubts, Contains("2 <polyline> are without a box") && Contains("image 'a.jpg': polyline 1"));
  REQUIRE_THAT(doubts, Contains("1 <tag> is without a box") && Contains("1 <skeleton> is without a box"));
  REQUIRE_THAT(doubts, Contains("annotations.xml: 1 <frame> is in <annotations> and not known"));
  REQUIRE_THAT(doubts, Contains("1 shape is in a group (group_id)"));
}

TEST_CASE("An image without a size has that of <original_size>, or none", "[cpu]") {
  const std::string cat = image(box("1", "2", "3", "4"), "");
  const std::string size = "<original_size><width>1920</width><height>1080</height></original_size>";
  REQUIRE(read(annotations(cat, "<task>" + size + "</task>")).images[0].size == ImageSize{1080, 1920});
  REQUIRE(read(annotations(cat, size)).images[0].size == ImageSize{1080, 1920});
  REQUIRE(read(annotations(cat)).images[0].size == ImageSize{});
  REQUIRE(read(annotations(image("", "width=\"0\" height=\"0\""))).images[0].size == ImageSize{});
  REQUIRE(read(annotations(image("", "width=\"5\" height=\"6\""), size)).images[0].size == ImageSize{6, 5});
}

TEST_CASE("A file that is no export for images is refused with its name and a way out", "[cpu]") {
  const auto refused = [](const std::string& xml, const std::string& words) {
    CAPTURE(xml);
    const Failure failure = failure_of([&] { read(xml); });
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE_THAT(failure.message, Contains("annotations.xml: ") && Contains(words));
  };
  const std::string whole = annotations(image(box("1", "2", "3", "4")));
  refused("", "is no well-formed XML");
  refused(whole.substr(0, whole.size() - 8), "is no well-formed XML");
  refused("<annotation/>", "has no <annotations>: no file of CVAT");
  refused(whole + "<annotations/>", "two documents in one file");
  refused(annotations(""), "has no <image> in <annotations>");
  refused(annotations("<images>" + image("") + "</images>"), "has no <image> in <annotations>");
  refused(annotations("<track id=\"0\" label=\"cat\"><box frame=\"0\"/></track>"),
          "holds <track>: this is \"CVAT for video\"");
  refused(annotations("<image id=\"0\" width=\"4\" height=\"3\"/>"), "image 1 has no name");
  refused(annotations(image("", "width=\"4\"")), "image 'a.jpg': height is empty");
  refused(annotations(image("", "width=\"4.5\" height=\"3\"")), "width is 4.5, expected a number of pixels");
  refused(annotations(image("", "width=\"-4\" height=\"3\"")), "width is -4");
  REQUIRE_THROWS_WITH(read_cvat_boxes("no such file.xml"), Contains("no such file.xml: cannot be read"));
}

TEST_CASE("An export in UTF-16 or with a byte order mark and Windows' line ends is read as any other", "[cpu]") {
  const std::string plain = "<annotations>\r\n" + image(box("1", "2", "3", "4")) + "\r\n</annotations>\r\n";
  std::string wide = "\xFF\xFE";
  for (const char c : plain) wide += std::string{c, '\0'};
  for (const std::string& xml : {plain, "\xEF\xBB\xBF" + plain, wide}) {
    const BoxAnnotations all = read(xml);
    REQUIRE(all.images.at(0).name == "a.jpg");
    REQUIRE(edges(all.images[0].boxes.at(0)) == "1 2 3 4");
    REQUIRE(all.doubts.empty());
  }
}
