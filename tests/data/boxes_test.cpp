#include "common/data/boxes.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/io/hdf5.h"
#include "tests/data/data_golden.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("Pixel boxes of stage 2 are the authors' integers", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  int images = 0;
  for (const std::string& id : file.children("")) {
    if (!file.has(id + "/in/boxes_xml")) continue;
    CAPTURE(id);
    ++images;
    const auto boxes = golden_boxes(file, id + "/in/boxes_xml");
    const auto shape = file.shape(id + "/in/bg_mask");
    const ImageSize size{shape[0], shape[1]};
    const auto normalised = normalise_boxes(boxes, size);
    const auto expected = file.read<float>(id + "/in/boxes_normalised");
    REQUIRE(expected.size() == boxes.size() * 5);
    const auto pixels = pixel_boxes(boxes, size, BoxConvention::reference);
    const auto integers = file.read<int64_t>(id + "/in/boxes_pixels_int");
    for (size_t i = 0; i < boxes.size(); ++i) {
      CAPTURE(i);
      REQUIRE(std::vector<float>{normalised[i].x0, normalised[i].y0, normalised[i].x1, normalised[i].y1} ==
              std::vector<float>(expected.begin() + 5 * i, expected.begin() + 5 * i + 4));
      REQUIRE(std::vector<int64_t>{pixels[i].x0, pixels[i].y0, pixels[i].x1, pixels[i].y1, pixels[i].class_id} ==
              std::vector<int64_t>(integers.begin() + 5 * i, integers.begin() + 5 * i + 5));
    }
    REQUIRE(background_mask(boxes, size, BoxConvention::reference) == file.read<uint8_t>(id + "/in/bg_mask"));
  }
  REQUIRE(images == 7);
}

TEST_CASE("Background masks of boxes are the authors'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  for (const std::string& id : file.children("boxes_to_mask")) {
    CAPTURE(id);
    const std::string group = "boxes_to_mask/" + id;
    const auto shape = file.shape(group + "/bg_mask");
    REQUIRE(background_mask(golden_boxes(file, group + "/boxes_xml"), {shape[0], shape[1]}, BoxConvention::reference) ==
            file.read<uint8_t>(group + "/bg_mask"));
  }
}

TEST_CASE("Exact boxes hold the annotated pixels, reference boxes lose the first row and column") {
  const std::vector<Box> whole = {{1, 1, 7, 5, 3}};
  const ImageSize size{5, 7};
  const auto exact = pixel_boxes(whole, size, BoxConvention::exact)[0];
  REQUIRE((exact.x0 == 0 && exact.y0 == 0 && exact.x1 == 7 && exact.y1 == 5 && exact.class_id == 3));
  const auto reference = pixel_boxes(whole, size, BoxConvention::reference)[0];
  REQUIRE((reference.x0 == 1 && reference.y0 == 1 && reference.x1 == 7 && reference.y1 == 5));
  const auto count = [&](BoxConvention c) {
    const auto mask = background_mask(whole, size, c);
    return std::count(mask.begin(), mask.end(), uint8_t{1});
  };
  REQUIRE(count(BoxConvention::exact) == 0);
  REQUIRE(count(BoxConvention::reference) == 5 + 7 - 1);
}

TEST_CASE("A box is never empty and never leaves the image") {
  const std::vector<Box> boxes = {
      {10.25f, 3, 10.75f, 4, 1}, {19, 9, 20, 10, 1}, {0, 0, 1, 1, 1}, {-5, -5, 90, 90, 1}, {20, 10, 21, 11, 1}};
  for (const auto convention : {BoxConvention::reference, BoxConvention::exact})
    for (const ImageSize size : {ImageSize{10, 20}, ImageSize{1, 1}, ImageSize{1, 20}}) {
      for (const auto& b : pixel_boxes(boxes, size, convention)) {
        REQUIRE((0 <= b.x0 && b.x0 < b.x1 && b.x1 <= size.width));
        REQUIRE((0 <= b.y0 && b.y0 < b.y1 && b.y1 <= size.height));
      }
      const auto mask = background_mask(boxes, size, convention);
      REQUIRE(static_cast<int64_t>(mask.size()) == size.height * size.width);
    }
  for (const auto& b : normalise_boxes(boxes, {1, 1})) REQUIRE((b.x0 == -1 && b.y1 == 1));
}

TEST_CASE("Box conventions are parsed by name") {
  REQUIRE(parse_box_convention("reference") == BoxConvention::reference);
  REQUIRE(parse_box_convention("exact") == BoxConvention::exact);
  REQUIRE_THROWS_WITH(parse_box_convention("exakt"), Contains("did you mean 'exact'"));
}
