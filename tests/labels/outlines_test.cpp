// Outlines of masks: filled as the COCO API fills polygons they give the mask again.
#include "common/labels/outlines.h"

#include <algorithm>
#include <cmath>

#include "common/base/random.h"
#include "common/data/formats/coco/coco_mask.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

struct Mask {
  int64_t height, width;
  std::vector<uint8_t> pixels;
  Mask(int64_t h, int64_t w) : height(h), width(w), pixels(static_cast<size_t>(h * w)) {}
  uint8_t& at(int64_t y, int64_t x) { return pixels[static_cast<size_t>(y * width + x)]; }
};

Mask filled(const std::vector<std::vector<double>>& rings, int64_t height, int64_t width) {
  const RunLengths lengths = mask_of_polygons(rings, height, width);
  Mask mask(height, width);
  int64_t at = 0;
  bool is_set = false;
  for (const uint32_t run : lengths.runs) {
    for (int64_t i = at; is_set && i < at + run; ++i) mask.at(i % height, i / height) = 1;
    at += run;
    is_set = !is_set;
  }
  return mask;
}

int64_t differing(const Mask& a, const Mask& b) {
  int64_t count = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) count += a.pixels[i] != b.pixels[i];
  return count;
}

// A disc with a hole and a bay, and a square that touches it at a corner.
Mask odd_shape(int64_t side) {
  Mask mask(side, side);
  for (int64_t y = 0; y < side; ++y)
    for (int64_t x = 0; x < side; ++x) {
      const double dx = static_cast<double>(x) - 0.4 * static_cast<double>(side),
                   dy = static_cast<double>(y) - 0.5 * static_cast<double>(side);
      const double r = std::hypot(dx, dy) / static_cast<double>(side);
      mask.at(y, x) = r < 0.36 && r > 0.12 && !(std::abs(dy) < 2 && dx > 0);
    }
  for (int64_t y = side - 6; y < side; ++y)
    for (int64_t x = side - 6; x < side; ++x) mask.at(y, x) = 1;
  return mask;
}

}  // namespace

TEST_CASE("the outline of a rectangle has its four corners", "[cpu]") {
  Mask mask(5, 7);
  for (int64_t y = 1; y < 4; ++y)
    for (int64_t x = 2; x < 6; ++x) mask.at(y, x) = 1;
  const auto rings = outlines_of(mask.pixels, 5, 7, 0);
  REQUIRE(rings.size() == 1);
  REQUIRE(rings[0] == std::vector<double>{2, 1, 6, 1, 6, 4, 2, 4});
}

TEST_CASE("an empty mask has no outline, and a full one that of the image", "[cpu]") {
  Mask mask(4, 3);
  REQUIRE(outlines_of(mask.pixels, 4, 3, 1).empty());
  std::fill(mask.pixels.begin(), mask.pixels.end(), uint8_t{1});
  REQUIRE(outlines_of(mask.pixels, 4, 3, 1) == std::vector<std::vector<double>>{{0, 0, 3, 0, 3, 4, 0, 4}});
}

TEST_CASE("outlines of tolerance 0 are filled to the very mask, holes and pixels that touch at corners too", "[cpu]") {
  for (const int64_t side : {8, 23, 60}) {
    const Mask mask = odd_shape(side);
    CAPTURE(side);
    REQUIRE(differing(filled(outlines_of(mask.pixels, side, side, 0), side, side), mask) == 0);
  }
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed, "outlines");
    Mask mask(3 + random.below(12), 3 + random.below(12));
    const double share = random.uniform(0.2, 0.8);
    for (auto& pixel : mask.pixels) pixel = random.uniform() < share;
    CAPTURE(seed, mask.height, mask.width);
    REQUIRE(differing(filled(outlines_of(mask.pixels, mask.height, mask.width, 0), mask.height, mask.width), mask) ==
            0);
  }
}

TEST_CASE("a tolerance leaves out corners and keeps the shape", "[cpu]") {
  const int64_t side = 120;
  const Mask mask = odd_shape(side);
  const auto exact = outlines_of(mask.pixels, side, side, 0), rough = outlines_of(mask.pixels, side, side, 1);
  size_t corners = 0, kept = 0;
  for (const auto& ring : exact) corners += ring.size();
  for (const auto& ring : rough) kept += ring.size();
  REQUIRE(rough.size() == exact.size());
  REQUIRE(kept * 2 < corners);
  const int64_t set = std::count(mask.pixels.begin(), mask.pixels.end(), 1);
  REQUIRE(differing(filled(rough, side, side), mask) < set / 20);
}

TEST_CASE("several rings are joined to one that holds the same", "[cpu]") {
  const int64_t side = 30;
  const Mask mask = odd_shape(side);
  const auto rings = outlines_of(mask.pixels, side, side, 0);
  REQUIRE(rings.size() > 1);
  REQUIRE(differing(filled({joined_rings(rings)}, side, side), mask) == 0);
  REQUIRE(joined_rings({}).empty());
}
