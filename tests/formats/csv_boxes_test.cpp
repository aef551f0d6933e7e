#include "common/data/formats/csv/csv_boxes.h"

#include "tests/formats/reading.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

BoxAnnotations read(const std::string& text) {
  const Files files;
  return read_csv_boxes(files.write("a.csv", text));
}

std::string refused(const std::string& text) {
  return refusal_of([&] { read(text); });
}

const std::string kCat = "a.jpg: cat 1 2 30 40", kHeader = "image,xmin,ymin,xmax,ymax,class\n";

}  // namespace

TEST_CASE("Columns are found by their names, in any order, case and spelling", "[cpu]") {
  for (const char* text :
       {"image,xmin,ymin,xmax,ymax,class\na.jpg,1,2,30,40,cat\n",
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,64,48,cat,1,2,30,40\n",
        "Class;X_Max;X_Min;Y_Max;Y_Min;Image Name\r\ncat;30;1;40;2;a.jpg\r\n",
        "img_path\tx1\ty1\tx2\ty2\tlabel\na.jpg\t1\t2\t30\t40\tcat", "file,x0,y0,x1,y1,category\na.jpg,1,2,30,40,cat",
        "path,x,y,w,h,label\na.jpg,1,2,29,38,cat\n", "image,x,y,width,height,class_name\na.jpg,1,2,29,38,cat\n",
        "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\ncat,1,2,29,38,a.jpg,64,"
        "48\n",
        "image,left,top,width,height,label\na.jpg,1,2,29,38,cat\n",
        "image,left,top,right,bottom,name\na.jpg,1,2,30,40,cat\n",
        "name,class,xmin,ymin,xmax,ymax\na.jpg,cat,1,2,30,40\n", "cx,cy,w,h,label,file_name\n15.5,21,29,38,cat,a.jpg\n",
        ",image,xmin,ymin,xmax,ymax,class,note\n0,a.jpg,1.0,2,3e1,40,cat,\"x, y\"\n",
        "sep=;\nimage;xmin;ymin;xmax;ymax;class\na.jpg;1;2;30;40;cat\n",
        "\xEF\xBB\xBF\"image\",\"xmin\",\"ymin\",\"xmax\",\"ymax\",\"class\"\n\"a.jpg\",\"1\",\"2\",\"30\",\"40\","
        "\"cat\"\n",
        "image,xmin,ymin,xmax,ymax,class\ra.jpg,1,2,30,40,cat\r"}) {
    CAPTURE(text);
    const BoxAnnotations found = read(text);
    REQUIRE(words_of(found) == kCat);
    REQUIRE((found.format == "CSV" && !found.is_in_shares && !found.has_class_order && found.bad_boxes.empty()));
    REQUIRE(found.class_names == std::vector<std::string>{"cat"});
    REQUIRE(found.doubts.size() == 1);
    REQUIRE_THAT(found.doubts[0], Contains("a.csv: the columns are taken so: image '"));
  }
}

TEST_CASE("Width and height are the image's beside four edges, and the box's beside a corner alone", "[cpu]") {
  const auto image = read("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,64,48,cat,1,2,30,40\n").images[0];
  REQUIRE((image.size.width == 64 && image.size.height == 48));
  const auto other = read("image,xmin,ymin,width,height,class\na.jpg,1,2,29,38,cat\n");
  REQUIRE(words_of(other) == kCat);
  REQUIRE(other.images[0].size.width == 0);
  REQUIRE_THAT(doubts_of(other), Contains("left and top edge, width and height of the box 'xmin', 'ymin', 'width', "
                                          "'height'"));
}

TEST_CASE("Boxes are gathered by image, which are sorted, and names stay as they are written", "[cpu]") {
  const BoxAnnotations found = read(kHeader +
                                    "d/e f.jpg,1,2,3,4,dog\n\"C:\\x, \"\"y\"\"\\caf\xC3\xA9.jpg\",1,2,3,4,cat\n"
                                    "b.jpg,,,,,\nd/e f.jpg,5,6,7,8,\" big\ncat\"\n\n,,,,,\n");
  REQUIRE(words_of(found) ==
          "C:\\x, \"y\"\\caf\xC3\xA9.jpg: cat 1 2 3 4\nb.jpg: \nd/e f.jpg: dog 1 2 3 4,  big\ncat 5 6 7 8");
  REQUIRE(found.images[2].boxes[1].place == "line 5");
  REQUIRE(found.images[0].file.filename() == "a.csv");
  REQUIRE(found.class_names == std::vector<std::string>{" big\ncat", "cat", "dog"});
}

TEST_CASE("Numbers from 0 to 1 with fractions are shares, which is said", "[cpu]") {
  const BoxAnnotations found = read(kHeader +
                                    "a.jpg,0,0,1,1,cat\na.jpg,.1,.2,.5,.5,cat\nb.jpg,0.5,0.5,1.01,1,cat\n"
                                    "b.jpg,0.5,0.5,0.6,1,dog\nb.jpg,1,2,30,40,dog\n");
  REQUIRE(found.is_in_shares);
  REQUIRE(words_of(found) == "a.jpg: cat 0 0 1 1, cat 0.1 0.2 0.5 0.5\nb.jpg: cat 0.5 0.5 1.01 1, dog 0.5 0.5 0.6 1");
  REQUIRE_THAT(doubts_of(found), Contains("have numbers from 0 to 1 with fractions") &&
                                     Contains("1 box reaches beyond the image") && Contains("line 4"));
  REQUIRE(found.bad_boxes.size() == 1);
  REQUIRE_THAT(found.bad_boxes[0], Contains("a.csv: line 6: the box from (1, 2) to (30, 40) lies far outside"));
}

TEST_CASE("Boxes that may be in pixels or in shares are taken as pixels, which is said", "[cpu]") {
  const BoxAnnotations found = read(kHeader + "a.jpg,0,0,1,1,cat\n");
  REQUIRE_FALSE(found.is_in_shares);
  REQUIRE_THAT(doubts_of(found), Contains("no box reaches beyond 1.5") && Contains("taken as pixels"));
}

TEST_CASE("A single box in shares among pixels is bad", "[cpu]") {
  const BoxAnnotations found = read(kHeader + "a.jpg,1,2,30,40,cat\nb.jpg,.1,.2,.5,.5,cat\nc.jpg,1,2,3,4,cat\n");
  REQUIRE_FALSE(found.is_in_shares);
  REQUIRE(words_of(found) == kCat + "\nb.jpg: \nc.jpg: cat 1 2 3 4");
  REQUIRE(found.bad_boxes.size() == 1);
  REQUIRE_THAT(found.bad_boxes[0], Contains("line 3") && Contains("in shares of the image, other rows are in pixels"));
}

TEST_CASE("Open Images' tables are in shares, with groups and codes for classes", "[cpu]") {
  const BoxAnnotations found = read(
      "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,"
      "IsInside\n000002b66c9c498e,xclick,/m/01g317,1,0.0125,0.195312,0.148438,0.5875,0,1,0,0,0\n"
      "000002b66c9c498e,xclick,/m/0284d,0.4,0,1,0,1,0,1,1,0,0\n");
  REQUIRE(found.is_in_shares);
  REQUIRE(words_of(found) == "000002b66c9c498e: /m/01g317 0.0125 0.148438 0.195312 0.5875, /m/0284d 0 0 1 1");
  REQUIRE((!found.images[0].boxes[0].is_crowd && found.images[0].boxes[1].is_crowd));
  REQUIRE_THAT(doubts_of(found),
               Contains("codes of Open Images") && Contains("1 box has a confidence below 1") && Contains("line 3"));
}

TEST_CASE("Tables without names of columns are told by their form", "[cpu]") {
  const BoxAnnotations retina = read("d/b.jpg,,,,,\na.jpg,1,2,30,40,cat\na.jpg,x,2,30,40,cat\n");
  REQUIRE(words_of(retina) == kCat + "\nd/b.jpg: ");
  REQUIRE_THAT(retina.bad_boxes.at(0), Contains("a.csv: line 3: field 2 is 'x', expected a number"));
  REQUIRE_THAT(doubts_of(retina), Contains("look like those of RetinaNet"));

  const BoxAnnotations automl = read(
      "TRAINING,gs://f/1.png,car,0.1,0.1,,,0.3,0.3,,\nTRAIN,gs://f/1.png,bike,.7,.6,,,.8,.9,,\n"
      "UNASSIGNED,gs://f/2.png,car,0.1,0.1,0.2,0.1,0.2,0.3,0.1,0.3\nTEST,gs://f/3.png,,,,,,,,,\n"
      "VALIDATION,gs://f/3.png,car,0.1,,,,,,,\n");
  REQUIRE(words_of(automl) ==
          "gs://f/1.png: car 0.1 0.1 0.3 0.3, bike 0.7 0.6 0.8 0.9\ngs://f/2.png: car 0.1 0.1 0.2 0.3\ngs://f/3.png: ");
  REQUIRE(automl.is_in_shares);
  REQUIRE(automl.splits == std::map<std::string, std::vector<std::string>>{
                               {"test", {"gs://f/3.png"}}, {"train", {"gs://f/1.png"}}, {"val", {"gs://f/3.png"}}});
  REQUIRE_THAT(automl.bad_boxes.at(0), Contains("line 5: field 5 is empty, expected a number"));

  const BoxAnnotations sense = read("cat,1,2,29,38,a.jpg,64,48\n");
  REQUIRE(words_of(sense) == kCat);
  REQUIRE(sense.images[0].size.height == 48);
  REQUIRE_THAT(doubts_of(sense), Contains("look like those of makesense.ai"));
}

TEST_CASE("Rows that are no box are bad, with line, column and remedy, and leave the others alone", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a.jpg,30,2,1,40,cat", "the box is inverted: x goes from 30 to 1; swap the two"},
      {"a.jpg,1,2,30,2,cat", "the box has no area: y goes from 2 to 2"},
      {"a.jpg,nan,2,30,40,cat", "'xmin' is nan, which no image has"},
      {"a.jpg,1,2,inf,40,cat", "'xmax' is inf"},
      {"a.jpg,1,2,3O,40,cat", "'xmax' is '3O', expected a number"},
      {"a.jpg,1,,30,40,cat", "'ymin' is empty, expected a number"},
      {"a.jpg,1,2,30,40,", "'class' is empty, so the box has no class"},
      {"a.jpg,,,,,cat", "'xmin' is empty, expected a number"},
      {",1,2,30,40,cat", "'image' is empty, so the image is not known"},
      {"a, b.jpg,1,2,30,40,cat", "has 7 fields, expected 6; put a field that holds a separator in double quotes"},
      {"a.jpg,1,2,30,40,Background", "the class 'Background' stands for what is no object"},
      {"a.jpg,1,2,30,40", "has 5 fields, expected 6"},
      {"a.jpg,1,2,1e9,40,cat", "'xmax' is 1e9, which no image has"},
      {"image,xmin,ymin,xmax,ymax,class", "'xmin' is 'xmin', expected a number"},
      {"a.jpg,1,2,30,\"40,5\",cat", "'ymax' is '40,5', with a decimal comma; write all numbers with a point"},
  };
  for (const auto& [row, words] : cases) {
    CAPTURE(row);
    const BoxAnnotations found = read(kHeader + row + "\nz.jpg,1,2,3,4,dog,\n");
    REQUIRE_THAT(words_of(found), EndsWith("z.jpg: dog 1 2 3 4"));
    REQUIRE(found.class_names == std::vector<std::string>{"dog"});
    REQUIRE(found.bad_boxes.size() == 1);
    REQUIRE_THAT(found.bad_boxes[0], Contains("a.csv: line 2: ") && Contains(words));
  }
  const BoxAnnotations comma = read("image;xmin;ymin;xmax;ymax;class\na.jpg;1,5;2,0;3,5;4,5;cat\n");
  REQUIRE_THAT(comma.bad_boxes.at(0), Contains("'xmin' is '1,5', with a decimal comma"));
  REQUIRE_THAT(read("image,x,y,w,h,class\na.jpg,1,2,-3,4,cat\n").bad_boxes.at(0), Contains("-3 wide and 4 high"));
}

TEST_CASE("What is read although it looks odd is said", "[cpu]") {
  const BoxAnnotations sizes = read(
      "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,0,0,1,1,2,3,4\na.jpg,64,48,1,1,2,3,5\n"
      "a.jpg,48,64,1,1,2,3,6\na.jpg,x,64,1,1,2,3,7\na.jpg,64,48,1,1,2,3,7\n");
  REQUIRE((sizes.images[0].size.width == 64 && sizes.images[0].boxes.size() == 4 && sizes.bad_boxes.empty()));
  REQUIRE_THAT(doubts_of(sizes), Contains("1 row has another size of the same image") && Contains("line 4: 48 x 64") &&
                                     Contains("1 row has a size of the image that is none") &&
                                     Contains("line 5: 'x' x '64'") && Contains("the classes are numbers (1, ...)") &&
                                     Contains("1 box is left out") && Contains("a.csv: line 6"));
  REQUIRE_THAT(doubts_of(read("image,id,xmin,ymin,xmax,ymax,class,area\na.jpg,7,1,2,30,40,cat,9\n")),
               Contains("not read: 'id', 'area'"));
}

TEST_CASE("Splits are those of the column that has them", "[cpu]") {
  const BoxAnnotations found = read(
      "image,split,xmin,ymin,xmax,ymax,class\nb.jpg,Train,1,2,3,4,cat\n"
      "a.jpg,train,1,2,3,4,cat\nc.jpg,valid,1,2,3,4,cat\nd.jpg,,1,2,3,4,cat\n");
  REQUIRE(found.splits ==
          std::map<std::string, std::vector<std::string>>{{"train", {"a.jpg", "b.jpg"}}, {"val", {"c.jpg"}}});
}

TEST_CASE("Files that are no table of boxes are refused, with what is missing", "[cpu]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "a.csv: is empty; write a first row such as image,class,xmin,ymin,xmax,ymax"},
      {"\n\n", "is empty"},
      {kHeader, "has names of columns and no row below them"},
      {"image,class\na.jpg,cat\n", "line 1: has the columns 'image', 'class', among which no four that are a box"},
      {"a.jpg,cat,1,2,3\n", "among which no four"},
      {"image,xmin,ymin,xmax,ymax\na.jpg,1,2,3,4\n", "has no column for the class among 'image', 'xmin'"},
      {"id,xmin,ymin,xmax,ymax,class\n1,1,2,3,4,cat\n", "has no column for the image"},
      {"image,xmin,ymin,xmax,ymax,class,X-Min\n", "the columns 2 and 7 are both called 'X-Min'"},
      {kHeader + "\"a.jpg,1,2,3,4,cat\n", "line 2: the quote of a field is never closed"},
      {kHeader + "\"a\"b.jpg,1,2,3,4,cat\n", "line 2: 'b.jpg' stands behind a closing quote"},
      {kHeader + "caf\xE9.jpg,1,2,3,4,cat\n", "line 2: is no UTF-8"},
      {std::string("\xFF\xFE"
                   "i\0",
                   4),
       "is UTF-16, expected UTF-8"},
      {"image|xmin|ymin|xmax|ymax|class\na.jpg|1|2|3|4|cat\n", "among which no four"},
      {"# Exported using VGG Image Annotator (http://...)\n", "is of VIA 3"},
  };
  for (const auto& [text, words] : cases) {
    CAPTURE(text);
    REQUIRE_THAT(refused(text), Contains("a.csv: ") && Contains(words));
  }
}

TEST_CASE("What is a CSV of boxes is told by its content, or by its name where it is text", "[cpu]") {
  const Files files;
  for (const char* text : {"image,xmin,ymin,xmax,ymax,class\n",
                           "\xEF\xBB\xBF"
                           "a.jpg,1,2,3,4,cat\nb.jpg,,,,,\n"})
    REQUIRE(is_csv(files.write("boxes.txt", text)));
  REQUIRE(is_csv(files.write("other.csv", "id,name\n1,cat\n")));
  std::string large = kHeader;
  while (large.size() < 100000) large += "\"some, image.jpg\",1,2,3,4,cat\n";
  REQUIRE(is_csv(files.write("large.txt", large)));
  for (const char* text : {"0 0.5 0.5 0.1 0.1\n", "0,0.5,0.5,0.1,0.1,0.9\n", "cat\ndog\n", "{\"images\": []}",
                           "<annotation/>", "", "names: [a, b, c]"})
    REQUIRE_FALSE(is_csv(files.write("no.txt", text)));
  REQUIRE_FALSE(is_csv(files.write("no.csv", "[{\"image\": \"a\"}]")));
  REQUIRE_FALSE(is_csv(files.write("zeros.csv", std::string("\0\1a", 3))));
  REQUIRE_FALSE(is_csv(files.directory.path()));
}
