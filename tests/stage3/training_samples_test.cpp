#include "stage3_segment/training_samples.h"

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("the picture of a sample shows the crop and beside it its label maps", "[cpu]") {
  const Normalisation normalisation = parse_normalisation("lite0_rgb");
  LabelledSample sample;
  sample.image = normalise({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 2, normalisation);
  sample.labels = {{0, 1, 2, 255}, {1, 1, 0, 2}};
  const Palette palette = {{0, 0, 0}, {50, 60, 70}, {80, 90, 100}};
  const RgbImage picture = picture_of(sample, 2, normalisation, palette);
  REQUIRE((picture.height == 2 && picture.width == 6));
  REQUIRE(picture.pixels ==
          std::vector<uint8_t>{1, 2, 3, 4,  5,  6,  0,  0,  0,   50,  60,  70,  50, 60, 70, 50, 60, 70,  //
                               7, 8, 9, 10, 11, 12, 80, 90, 100, 224, 224, 192, 0,  0,  0,  80, 90, 100});
}
