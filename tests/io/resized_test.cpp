#include "common/io/resized.h"

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("A size that fits keeps its shape, and a small one stays", "[cpu]") {
  REQUIRE(fitted({375, 500}, 320) == ImageSize{240, 320});
  REQUIRE(fitted({1, 5000}, 320) == ImageSize{1, 320});
  REQUIRE(fitted({20, 30}, 320) == ImageSize{20, 30});
  REQUIRE(fitted({4000, 3000}, 1000) == ImageSize{1000, 750});
}

TEST_CASE("Photographs are resized by means of areas, label maps by the nearest pixel", "[cpu]") {
  RgbImage image(2, 4);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(10 * i);
  // The first pixel is the mean of (0, 0), (0, 1), (1, 0), (1, 1), channel by channel.
  REQUIRE(resized(image, {1, 2}).pixels == std::vector<uint8_t>{75, 85, 95, 135, 145, 155});
  LabelMap labels(2, 4);
  labels.pixels = {1, 1, 2, 2, 3, 3, 4, 4};
  REQUIRE(resized(labels, {2, 2}).pixels == std::vector<uint8_t>{1, 2, 3, 4});
  REQUIRE(resized(labels, {4, 4}).pixels == std::vector<uint8_t>{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4});
  LabelMap three(1, 3);
  three.pixels = {1, 2, 3};
  REQUIRE(resized(three, {1, 7}).pixels == std::vector<uint8_t>{1, 1, 2, 2, 2, 3, 3});
}
