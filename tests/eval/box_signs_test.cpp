// Signs of misplaced boxes, on made-up maps and photographs.
#include "eval/review/box_signs.h"

#include <algorithm>
#include <cmath>

#include "eval/review/box_side.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

constexpr int64_t kSide = 176, kCells = 12;  // one cell is 16 pixels less a little: 175 / 11

// An object in cells 3 to 8: its features point along one axis, those of the ground along another. Between them they
// are at right angles, so that cosines are 1 within either and 0 across.
FeatureMaps maps_of_object() {
  FeatureMaps maps;
  maps.cells = {kCells, kCells};
  const auto is_object = [](int64_t y, int64_t x) { return x >= 3 && x <= 8 && y >= 3 && y <= 8; };
  maps.gram.assign(static_cast<size_t>(5 * maps.area()), 0.f);
  maps.class_maps.assign(static_cast<size_t>(maps.area()), 0.f);
  maps.background_map = maps.class_maps;
  maps.is_known = {1};
  for (int64_t y = 0; y < kCells; ++y)
    for (int64_t x = 0; x < kCells; ++x) {
      const auto at = static_cast<size_t>(y * kCells + x);
      const auto plane = [&](int64_t k) -> float& { return maps.gram[static_cast<size_t>(k * maps.area()) + at]; };
      const auto same = [&](int64_t yy, int64_t xx) {
        return yy < kCells && xx < kCells && is_object(y, x) == is_object(yy, xx) ? 1.f : 0.f;
      };
      plane(0) = 1;
      plane(1) = same(y, x + 1);
      plane(2) = same(y + 1, x);
      plane(3) = same(y + 1, x + 1);
      plane(4) = x + 1 < kCells && y + 1 < kCells && is_object(y, x + 1) == is_object(y + 1, x);
      maps.class_maps[at] = is_object(y, x) ? 4.f : 0.f;
      maps.background_map[at] = is_object(y, x) ? 0.f : 4.f;
    }
  return maps;
}

const PixelBox kRight = {40, 40, 136, 136, 1}, kMoved = {0, 144, 32, 176, 1}, kHalf = {40, 40, 88, 136, 1};

BoxSigns signs_of(const PixelBox& box, const FeatureMaps& maps) {
  std::vector<BoxSigns> signs(1);
  add_signs_of_features(maps, {1}, SmallImage({kSide, kSide}, {box}), signs);
  return signs[0];
}

// Stripes of the object within x0 to x1, other ones around.
RgbImage photograph_of(int64_t x0, int64_t x1) {
  RgbImage image(kSide, kSide);
  for (int64_t y = 0; y < kSide; ++y)
    for (int64_t x = 0; x < kSide; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.pixels[static_cast<size_t>(3 * (y * kSide + x) + c)] =
            static_cast<uint8_t>((x >= x0 && x < x1 && y >= 40 && y < 136 ? 150 : 40) + 8 * ((x / 3 + y / 3) % 2));
  return image;
}

double smoothness_of(const PixelBox& box, const RgbImage& photograph) {
  std::vector<BoxSigns> signs(1);
  add_signs_of_photograph(photograph, SmallImage({kSide, kSide}, {box}), signs);
  return signs[0].smooth;
}

}  // namespace

TEST_CASE("a misplaced box does not show its class, and one of half an object shows it beside itself", "[cpu]") {
  const FeatureMaps maps = maps_of_object();
  const BoxSigns right = signs_of(kRight, maps), moved = signs_of(kMoved, maps), half = signs_of(kHalf, maps);
  CHECK(right.unseen < 0.1);
  CHECK(half.unseen < 0.1);
  CHECK(moved.unseen > 0.9);
  CHECK(right.beside < 0.05);
  CHECK(half.beside > 0.1);
  CHECK(right.beyond < -4);
  CHECK(half.beyond > -1);
  CHECK(right.alike < 0.3);
  CHECK(half.alike > 0.9);
}

TEST_CASE("without a background weight, what is unlike the image's background stands for the class", "[cpu]") {
  FeatureMaps maps = maps_of_object();
  maps.query_maps.resize(static_cast<size_t>(maps.area()));
  for (size_t i = 0; i < maps.query_maps.size(); ++i) maps.query_maps[i] = maps.background_map[i] / 4;
  maps.background_map.clear();
  CHECK(signs_of(kRight, maps).unseen < 0.2);
  CHECK(signs_of(kMoved, maps).unseen > 0.8);
}

TEST_CASE("a side through one thing has no edge", "[cpu]") {
  const RgbImage photograph = photograph_of(40, 136);
  CHECK(smoothness_of(kHalf, photograph) > smoothness_of(kRight, photograph) + 0.5);
  // Sides along the border are no evidence, and a box of the whole image has no others.
  CHECK(std::isnan(smoothness_of({0, 0, kSide, kSide, 1}, photograph)));
}

TEST_CASE("signs of a large photograph are those of a small copy", "[cpu]") {
  const SmallImage image({4000, 2000}, {{0, 0, 2000, 4000, 1}, {1000, 400, 1003, 402, 2}});
  CHECK(image.size == ImageSize{500, 250});
  CHECK(image.boxes[0].x1 == 250);
  CHECK(image.boxes[0].y1 == 500);
  CHECK(image.boxes[1].x0 == 125);
  CHECK(image.boxes[1].x1 == 126);  // never empty
}

TEST_CASE("a box is odd by its distance from the others, each sign within bounds", "[cpu]") {
  std::vector<BoxSigns> signs(20);
  for (size_t i = 0; i < signs.size(); ++i)
    signs[i] = {0.01 * double(i), 0.01 * double(i), 0.01 * double(i), 0.01 * double(i), BoxSigns::kUnknown};
  signs[7] = {100, 100, 100, -100, BoxSigns::kUnknown};
  const auto odd = oddness(signs);
  CHECK(odd[7] == Approx(3 * 1.5 - 1.5));
  CHECK(*std::max_element(odd.begin(), odd.end()) <= 4 * 1.5);
  signs[7].alike = 100;
  CHECK(oddness(signs)[7] == Approx(4 * 1.5));
  // A sign that nearly all lack, and one that is the same of all, say nothing.
  for (auto& s : signs) s = {0.5, BoxSigns::kUnknown, BoxSigns::kUnknown, BoxSigns::kUnknown, BoxSigns::kUnknown};
  for (size_t i = 0; i < 11; ++i) signs[i].beside = double(i * i);
  for (const double value : oddness(signs)) CHECK(value == 0);
  CHECK(oddness({}).empty());
}

TEST_CASE("pixels of a side are told from the box outwards", "[cpu]") {
  const PixelBox box{3, 2, 7, 5, 1};
  const ImageSize image{10, 20};
  const auto at = [](int64_t y, int64_t x) { return y * 20 + x; };
  const BoxSide left(box, image, Side::left), right(box, image, Side::right), top(box, image, Side::top),
      bottom(box, image, Side::bottom);
  CHECK(left.pixel(0, 0) == at(2, 2));
  CHECK(left.pixel(-1, 2) == at(4, 3));
  CHECK(right.pixel(0, 0) == at(2, 7));
  CHECK(right.pixel(-1, 1) == at(3, 6));
  CHECK(top.pixel(1, 3) == at(0, 6));
  CHECK(bottom.pixel(0, 0) == at(5, 3));
  CHECK(left.room() == 3);
  CHECK(right.room() == 13);
  CHECK(top.room() == 2);
  CHECK(bottom.room() == 5);
  CHECK(left.length() == 3);
  CHECK(top.length() == 4);
  CHECK(left.depth() == 4);
  CHECK(bottom.depth() == 3);
}
