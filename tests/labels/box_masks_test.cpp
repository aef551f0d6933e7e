// Which pixels belong to which box.
#include "common/labels/box_masks.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

LabelMap labels_of(int64_t height, int64_t width, uint8_t value) {
  LabelMap labels(height, width);
  std::fill(labels.pixels.begin(), labels.pixels.end(), value);
  return labels;
}

}  // namespace

TEST_CASE("a pixel belongs to the smallest box of its class that holds it", "[cpu]") {
  LabelMap labels = labels_of(4, 6, 1);
  labels.at(0, 0) = 2;
  const std::vector<PixelBox> boxes = {{0, 0, 6, 4, 1}, {2, 1, 4, 3, 1}, {0, 0, 2, 2, 2}};
  const auto owners = owners_of_pixels(labels, boxes);
  REQUIRE(owners[0] == 2);
  REQUIRE(owners[1] == 0);  // of class 1, though a smaller box of class 2 holds it
  REQUIRE(owners[1 * 6 + 2] == 1);
  REQUIRE(owners[3 * 6 + 5] == 0);
  REQUIRE(std::count(owners.begin(), owners.end(), 1) == 4);
}

TEST_CASE("of equal boxes the last one owns, and background belongs to none", "[cpu]") {
  LabelMap labels = labels_of(2, 2, 3);
  labels.at(1, 1) = 0;
  const auto owners = owners_of_pixels(labels, {{0, 0, 2, 2, 3}, {0, 0, 2, 2, 3}});
  REQUIRE(owners == std::vector<int32_t>{1, 1, 1, -1});
}

TEST_CASE("a mask is measured by its box: how full, how sure, and which sides it touches", "[cpu]") {
  LabelMap crf = labels_of(10, 10, 0), ret = crf;
  for (int64_t y = 2; y < 6; ++y)
    for (int64_t x = 0; x < 5; ++x) crf.at(y, x) = 1;
  for (int64_t y = 4; y < 8; ++y)
    for (int64_t x = 0; x < 5; ++x) ret.at(y, x) = 1;
  const std::vector<PixelBox> boxes = {{0, 2, 10, 10, 1}, {0, 0, 2, 2, 1}};
  const auto owners = owners_of_pixels(crf, boxes);
  const auto masks = measure_box_masks(crf, owners, ret, boxes);
  REQUIRE(masks[0].pixels == 20);
  REQUIRE(masks[0].box_pixels == 80);
  REQUIRE(masks[0].filled() == 0.25);
  REQUIRE(masks[0].in_both == 10);
  REQUIRE(masks[0].in_either == 30);
  REQUIRE(masks[0].disagreement() == Approx(2.0 / 3));
  REQUIRE(masks[0].sides_touched == 2);  // left and top
  REQUIRE(masks[1].filled() == 0);
  REQUIRE(masks[1].disagreement() == 0);
  REQUIRE(masks[1].sides_touched == 0);
  REQUIRE(measure_box_masks(crf, owners, {}, boxes)[0].disagreement() == 0);
}
