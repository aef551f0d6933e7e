// The pixels of a box, cut out, and their run lengths.
#include "common/labels/owned_pixels.h"

#include "common/base/random.h"
#include "common/labels/box_masks.h"
#include "common/labels/outlines.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// [H,W], from run lengths.
std::vector<uint8_t> pixels_of(const RunLengths& mask) {
  std::vector<uint8_t> pixels(static_cast<size_t>(mask.height * mask.width));
  int64_t at = 0;
  bool is_set = false;
  for (const uint32_t run : mask.runs) {
    for (const int64_t end = at + run; at < end; ++at)
      pixels[static_cast<size_t>(at % mask.height * mask.width + at / mask.height)] = is_set;
    is_set = !is_set;
  }
  REQUIRE(at == mask.height * mask.width);
  return pixels;
}

}  // namespace

TEST_CASE("run lengths of owned pixels have the text that pycocotools writes", "[cpu]") {
  const ImageSize size{4, 6};
  std::vector<int32_t> owners(24, -1);
  owners[0] = 1;
  for (const size_t y : {1, 2})
    for (const size_t x : {2, 3, 4}) owners[y * 6 + x] = 1;
  const auto text = [&](const PixelBox& box) {
    return text_of_mask(mask_of_owned(owned_pixels(owners, size, 1, box), size, size));
  };
  CHECK(text({0, 0, 6, 4, 1}) == "0181J0003");  // a file of pycocotools 2.0.11 has these texts
  const std::vector<int32_t> all(6, 0);
  const ImageSize small{3, 2};
  CHECK(text_of_mask(mask_of_owned(owned_pixels(all, small, 0, {0, 0, 2, 3, 1}), small, small)) == "06");
  CHECK(text_of_mask(mask_of_owned(owned_pixels(all, small, 7, {0, 0, 2, 3, 1}), small, small)) == "6");
  CHECK(text_of_mask(mask_of_owned(owned_pixels(all, small, 0, {0, 0, 0, 0, 1}), small, small)) == "6");  // a crowd's
}

TEST_CASE("the masks of all boxes are the owners again, whatever the window", "[cpu]") {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Random random(seed, "owned pixels");
    const ImageSize size{1 + random.below(20), 1 + random.below(20)};
    LabelMap labels(size.height, size.width);
    for (auto& p : labels.pixels) p = static_cast<uint8_t>(random.below(3));
    std::vector<PixelBox> boxes;
    for (int b = 0; b < 5; ++b) {
      PixelBox box{random.below(size.width), random.below(size.height), 0, 0, 1 + random.below(2)};
      box.x1 = box.x0 + 1 + random.below(size.width - box.x0);
      box.y1 = box.y0 + 1 + random.below(size.height - box.y0);
      boxes.push_back(box);
    }
    const auto owners = owners_of_pixels(labels, boxes);
    for (size_t b = 0; b < boxes.size(); ++b) {
      const auto pixels = pixels_of(mask_of_owned(owned_pixels(owners, size, b, boxes[b]), size, size));
      for (size_t p = 0; p < pixels.size(); ++p) REQUIRE((pixels[p] == 1) == (owners[p] == static_cast<int32_t>(b)));
    }
  }
}

TEST_CASE("outlines in the window, moved to its place, are those in the image", "[cpu]") {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Random random(seed, "outlines of windows");
    const ImageSize size{12 + random.below(20), 12 + random.below(20)};
    const PixelBox box{random.below(6), random.below(6), 7 + random.below(5), 7 + random.below(5), 1};
    std::vector<int32_t> owners(static_cast<size_t>(size.height * size.width), -1);
    std::vector<uint8_t> whole(owners.size());
    const double share = random.uniform(0.4, 0.95);
    for (int64_t y = box.y0; y < box.y1; ++y)
      for (int64_t x = box.x0; x < box.x1; ++x)
        if (random.uniform() < share) {
          owners[static_cast<size_t>(y * size.width + x)] = 0;
          whole[static_cast<size_t>(y * size.width + x)] = 1;
        }
    const OwnedPixels owned = owned_pixels(owners, size, 0, box);
    for (const double tolerance : {0.0, 1.0}) {
      auto rings = outlines_of(owned.is_owned, owned.height, owned.width, tolerance);
      for (auto& ring : rings)
        for (size_t k = 0; k < ring.size(); ++k) ring[k] += static_cast<double>(k % 2 == 0 ? owned.x0 : owned.y0);
      REQUIRE(rings == outlines_of(whole, size.height, size.width, tolerance));
    }
  }
}

TEST_CASE("a mask of a larger photograph has the nearest pixel of the smaller copy", "[cpu]") {
  const std::vector<int32_t> owners = {0, -1, -1, 0, 0, -1};  // 2 rows of 3
  const PixelBox box{0, 0, 2, 2, 1};
  const RunLengths mask = mask_of_owned(owned_pixels(owners, {2, 3}, 0, box), {2, 3}, {5, 6});
  REQUIRE((mask.height == 5 && mask.width == 6));
  CHECK(pixels_of(mask) == std::vector<uint8_t>{1, 1, 0, 0, 0, 0,  //
                                                1, 1, 0, 0, 0, 0,  //
                                                1, 1, 1, 1, 0, 0,  // whose centre lies on the border, and goes down
                                                1, 1, 1, 1, 0, 0,  //
                                                1, 1, 1, 1, 0, 0});
}

TEST_CASE("each class of a map has a box of its own around all its pixels", "[cpu]") {
  LabelMap labels(4, 5);
  labels.at(1, 3) = 2;
  labels.at(3, 1) = 2;
  labels.at(0, 0) = 1;
  labels.at(2, 2) = 255;
  const auto boxes = boxes_of_classes(labels, 3);
  REQUIRE(boxes.size() == 2);
  CHECK((boxes[0].class_id == 1 && boxes[0].x0 == 0 && boxes[0].y0 == 0 && boxes[0].x1 == 1 && boxes[0].y1 == 1));
  CHECK((boxes[1].class_id == 2 && boxes[1].x0 == 1 && boxes[1].y0 == 1 && boxes[1].x1 == 4 && boxes[1].y1 == 4));
  CHECK(boxes_of_classes(LabelMap(3, 3), 3).empty());
}
