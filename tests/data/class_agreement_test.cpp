#include "common/data/class_agreement.h"

#include "common/data/label_colours.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::vector<std::string> kClasses = {"background", "cat", "dog", "cow"};

Box box_of(int64_t class_id) { return {3, 3, 6, 6, class_id}; }  // 4x4 pixels

LabelMap filled(uint8_t value, int64_t first = 2, int64_t end = 6) {
  LabelMap labels(10, 12);
  for (int64_t y = first; y < end; ++y)
    for (int64_t x = first; x < end; ++x) labels.at(y, x) = value;
  return labels;
}

}  // namespace

TEST_CASE("Masks that hold the classes of their boxes raise no doubt") {
  ClassAgreement agreement(kClasses);
  for (int64_t c = 1; c <= 3; ++c) agreement.add({box_of(c)}, filled(static_cast<uint8_t>(c)));
  agreement.add({box_of(1), box_of(2)}, filled(1));  // a small dog that the mask leaves out
  agreement.add({}, filled(2));                      // an image of which nothing is known
  REQUIRE(agreement.doubt("the masks").empty());
  REQUIRE(ClassAgreement(kClasses).doubt("the masks").empty());
}

TEST_CASE("Masks of 0 and 255 are told by the boxes that are void") {
  ClassAgreement agreement({"background", "thing"});
  agreement.add({box_of(1), box_of(1)}, filled(255));
  REQUIRE_THAT(agreement.doubt("the masks in M"),
               Contains("the masks in M") && Contains("'thing' (1 image)") && Contains("2 boxes are filled with 255"));
}

TEST_CASE("A box whose border alone is void is not called void") {
  ClassAgreement agreement(kClasses);
  LabelMap ring = filled(255);
  for (int64_t y = 3; y < 5; ++y)
    for (int64_t x = 2; x < 6; ++x) ring.at(y, x) = 0;
  for (int64_t y = 3; y < 5; ++y) ring.at(y, 2) = 0;
  ring.at(2, 2) = 0;
  agreement.add({box_of(1)}, ring);
  REQUIRE_THAT(agreement.doubt("the masks"), Contains("'cat' (1 image)") && !Contains("filled with 255"));
}

TEST_CASE("A list with a name too many in front is told by the classes that only one side has") {
  ClassAgreement agreement({"background", "none", "cat", "dog"});  // the masks mean cat by 1 and dog by 2
  for (int i = 0; i < 3; ++i) {
    agreement.add({box_of(2)}, filled(1));
    agreement.add({box_of(3)}, filled(2));
  }
  REQUIRE_THAT(agreement.doubt("the masks"), Contains("'cat' (3 images), 'dog' (3 images)") &&
                                                 Contains("'none' (3 images)") &&
                                                 Contains("1 is 'none', 2 is 'cat', 3 is 'dog'"));
}

TEST_CASE("Masks that number objects are told by labels without a box") {
  ClassAgreement agreement(kClasses);
  LabelMap two = filled(1);
  two.at(9, 9) = 2;
  two.at(9, 8) = 3;
  for (int i = 0; i < 4; ++i) agreement.add({box_of(1 + i % 3)}, two);
  REQUIRE_THAT(agreement.doubt("the masks"),
               Contains("in 4 of 4 images they hold a class of which the image has no box"));
}

TEST_CASE("A foreign label in one of ten images is no reason to doubt") {
  ClassAgreement agreement(kClasses);
  for (int i = 0; i < 9; ++i) agreement.add({box_of(1 + i % 3)}, filled(static_cast<uint8_t>(1 + i % 3)));
  LabelMap odd = filled(1);
  odd.at(9, 9) = 2;
  agreement.add({box_of(1)}, odd);
  REQUIRE(agreement.doubt("the masks").empty());
}

TEST_CASE("VOC's colours at other indices are found, and nothing else is") {
  const TemporaryDirectory dir;
  LabelMap labels = filled(1);
  labels.at(0, 0) = 2;
  const auto colours = [&](const Palette& palette) {
    write_label_png(dir / "m.png", labels, palette);
    return renumbered_colours(dir / "m.png", labels, kClasses);
  };
  const Palette& voc = voc_palette();
  REQUIRE(colours(voc).empty());
  REQUIRE(colours({voc[2], voc[0], voc[1]}) == "index 0 has VOC's colour of class 2 (dog)");
  REQUIRE(colours({voc[0], voc[255], voc[1]}) == "index 1 has VOC's colour of void");
  REQUIRE(colours({voc[0], voc[2], voc[1]}) == "index 1 has VOC's colour of class 2 (dog)");
  REQUIRE(colours({{0, 0, 0}, {255, 0, 0}, voc[1]}).empty());   // the owner's own colours
  REQUIRE(colours({voc[0], voc[1], voc[2], voc[1]}).empty());   // 3 is not used
  REQUIRE(colours({{0, 0, 0}, {1, 1, 1}, {2, 2, 2}}).empty());  // grey
  REQUIRE(colours({voc[0], voc[1], voc[7]}).empty());           // 7 is no class here
}

TEST_CASE("Renumbered files are counted, and the first by name is told") {
  const TemporaryDirectory dir;
  const LabelMap labels = filled(1);
  RenumberedFiles files(kClasses);
  REQUIRE(files.doubt().empty());
  for (const char* name : {"b.png", "a.png"}) {
    write_label_png(dir / name, labels, {voc_palette()[1], voc_palette()[0]});
    files.look_at(dir / name, labels);
  }
  write_label_png(dir / "0.png", labels);
  files.look_at(dir / "0.png", labels);
  REQUIRE_THAT(files.doubt(), Contains("a.png: index 0 has VOC's colour of class 1 (cat), and 2 of 3 label maps"));
}
