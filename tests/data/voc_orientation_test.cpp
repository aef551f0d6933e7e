// Where EXIF wants photographs turned, boxes and masks are those of the upright picture.
#include "common/data/formats/voc/voc.h"
#include "tests/data/voc_folder.h"
#include "tests/io/damage.h"
#include "tests/io/exif.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Image a is stored as 40x30; a viewer shows it turned clockwise, 30 wide and 40 high.
struct TurnedVoc : VocFolder {
  TurnedVoc() { write_plain(jpeg("a"), jpeg_with_exif(read_file(jpeg("a")), exif_of(6))); }
};

VocOptions options_of(const VocFolder& voc) {
  VocOptions options;
  options.root = voc.root;
  options.splits = {{"train", "train"}};
  options.class_names = {"background", "cat", "dog"};
  return options;
}

}  // namespace

TEST_CASE("A photograph with EXIF has the size, boxes and mask of the upright one, and that is said", "[cpu]") {
  const TurnedVoc voc;
  write_file(voc.xml_of("a"), annotation_xml(object_xml("cat", 5, 6, 20, 38), 30, 40));
  voc.add_mask("a", 1, 40, 30);
  VocReport report;
  const Dataset dataset = index_voc(options_of(voc), report);
  REQUIRE(dataset.images.at(0).size == ImageSize{40, 30});
  REQUIRE(dataset.images[0].boxes.at(0).y1 == 38);  // not clipped to 30
  REQUIRE(report.clipped_boxes == 0);
  REQUIRE_THAT(report.doubts.at(0), Contains("JPEGImages/a.jpg is turned upright, as its EXIF says"));
}

TEST_CASE("Annotations and masks of the photograph as it is stored are refused, with the reason", "[cpu]") {
  const TurnedVoc voc;
  VocReport report;
  const auto indexing = [&] { index_voc(options_of(voc), report); };
  REQUIRE(failure_of(indexing).mentions("a.xml: <size> says 40x30"));
  REQUIRE(failure_of(indexing).mentions("width and height are exchanged"));
  write_file(voc.xml_of("a"), annotation_xml(object_xml("cat", 5, 6, 20, 38), 30, 40));
  REQUIRE(failure_of(indexing).mentions("a.png: the mask has 40x30 pixels"));
  REQUIRE(failure_of(indexing).mentions("width and height are exchanged"));
}
