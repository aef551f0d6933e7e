#include "common/data/formats/csv/csv_boxes.h"
#include "tests/formats/reading.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::string in_quotes(const std::string& json) {
  std::string quoted = "\"";
  for (const char c : json) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

const std::string kHeader =
    "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n";

std::string row(const std::string& shape, const std::string& attributes = R"({"class":"cat"})") {
  return fmt::format("a.jpg,1234,{},1,0,{},{}\n", in_quotes("{}"), in_quotes(shape), in_quotes(attributes));
}

BoxAnnotations read(const std::string& rows, const std::string& header = kHeader) {
  const Files files;
  return read_csv_boxes(files.write("via.csv", header + rows));
}

const std::string kRect = R"({"name":"rect","x":1,"y":2,"width":29,"height":38})", kCat = "a.jpg: cat 1 2 30 40";

}  // namespace

TEST_CASE("Rectangles and polygons of VIA are boxes, polygons rings too", "[cpu]") {
  const BoxAnnotations found =
      read(row(kRect) + row(R"({"name":"polygon","all_points_x":[1,9.5,5],"all_points_y":[2,3,8]})"));
  REQUIRE(words_of(found) == kCat + ", cat 1 2 9.5 8");
  REQUIRE(found.images[0].boxes[0].rings.empty());
  REQUIRE(found.images[0].boxes[1].rings == std::vector<std::vector<double>>{{1, 2, 9.5, 3, 5, 8}});
  REQUIRE(found.images[0].size.width == 0);
  REQUIRE_THAT(doubts_of(found), Contains("image 'filename'") && Contains("shape 'region_shape_attributes'") &&
                                     Contains("the class is the attribute 'class'"));
  REQUIRE(words_of(read(row(kRect), "#" + kHeader)) == kCat);  // VIA 1
}

TEST_CASE("Of VIA's circles and ellipses the box around is taken, which is said", "[cpu]") {
  const BoxAnnotations found = read(
      row(R"({"name":"circle","cx":10,"cy":20,"r":5})") + row(R"({"name":"ellipse","cx":10,"cy":20,"rx":5,"ry":3})") +
      row(R"({"name":"ellipse","cx":10,"cy":20,"rx":5,"ry":3,"theta":1.5707963267948966})"));
  REQUIRE(words_of(found) == "a.jpg: cat 5 15 15 25, cat 5 17 15 23, cat 7 15 13 25");
  REQUIRE_THAT(doubts_of(found), Contains("3 circles and ellipses give only the box around"));
}

TEST_CASE("The class is VIA's attribute that is called so, the only one, or the checkbox that is set", "[cpu]") {
  for (const char* attributes :
       {R"({"class":"cat"})", R"({"Species ":" cat "})", R"({"colour":"red","Label":"cat"})", R"({"my thing":"cat"})",
        R"({"type":{"cat":true}})", R"({"type":{"cat":true,"dog":false}})"}) {
    CAPTURE(attributes);
    REQUIRE(words_of(read(row(kRect, attributes))) == kCat);
  }
}

TEST_CASE("Images of VIA without regions are images without boxes", "[cpu]") {
  REQUIRE(words_of(read("b.jpg,9,\"{}\",0,0,\"{}\",\"{}\"\n" + row(kRect))) == kCat + "\nb.jpg: ");
  REQUIRE(words_of(read("b.jpg,9,,0,,,\n")) == "b.jpg: ");
}

TEST_CASE("Regions of VIA that are no box are bad, with their line and a remedy", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {row(R"({"name":"point","cx":1,"cy":2})"), "the shape is a 'point', which is no box"},
      {row(R"({"name":"polyline","all_points_x":[1,2],"all_points_y":[1,2]})"), "the shape is a 'polyline'"},
      {row(R"({"name":"rect","x":1,"y":2,"width":29})"), "the shape has no 'height'"},
      {row(R"({"name":"rect","x":"1","y":2,"width":29,"height":1})"), "'x' of the shape is \"1\", expected a number"},
      {row(R"({"name":"rect","x":1,"y":2,"width":0,"height":1})"), "the box has no area"},
      {row(R"({"name":"rect","x":1,"y":2,"width":-3,"height":1})"), "the box is inverted"},
      {row(R"({"name":"rect","x":NaN,"y":2,"width":3,"height":1})"), "expected a JSON object as VIA writes it"},
      {row(R"({"x":1})"), "the shape has no 'name'"},
      {row("[1,2,3,4]"), "expected a JSON object"},
      {row(R"({"name":"polygon","all_points_x":[1,2],"all_points_y":[1,2]})"), "the polygon has 2 x and 2 y"},
      {row(R"({"name":"polygon","all_points_x":[1,2,3],"all_points_y":[1,2]})"), "the polygon has 3 x and 2 y"},
      {row(R"({"name":"polygon","all_points_x":5})"), "has no list 'all_points_x'"},
      {row(kRect, "{}"), "the region has no attributes, so no class"},
      {row(kRect, R"({"class":""})"), "the attribute 'class' is empty"},
      {row(kRect, R"({"a":"x","b":"y"})"), "which of the attributes a, b is the class cannot be told"},
      {row(kRect, R"({"type":{"cat":true,"dog":true}})"), "has several values (cat, dog)"},
      {row(kRect, R"({"type":{}})"), "the attribute 'type' is empty"},
  };
  for (const auto& [bad, words] : cases) {
    CAPTURE(bad);
    const BoxAnnotations found = read(row(kRect) + bad);
    REQUIRE(words_of(found) == kCat);
    REQUIRE(found.bad_boxes.size() == 1);
    REQUIRE_THAT(found.bad_boxes[0], Contains("via.csv: line 3: ") && Contains(words));
  }
}
