// Small pictures, and what is drawn onto them.
#include "common/io/picture.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

const Color kRed = {255, 0, 0}, kWhite = {255, 255, 255};

int64_t pixels_of(const RgbImage& image, const Color& color) {
  int64_t count = 0;
  for (size_t i = 0; i < image.pixels.size(); i += 3)
    count += std::equal(color.begin(), color.end(), image.pixels.begin() + static_cast<int64_t>(i));
  return count;
}

}  // namespace

TEST_CASE("a box is drawn along its border, and cut at the picture's") {
  RgbImage picture(20, 30);
  draw_box(picture, {5, 4, 14, 9}, kRed, 1);
  CHECK(pixels_of(picture, kRed) == 2 * 10 + 2 * 6 - 4);
  RgbImage other(20, 30);
  draw_box(other, {-5, -5, 40, 40}, kRed, 1);
  CHECK(pixels_of(other, kRed) == 0);
}

TEST_CASE("text stays within the picture, on a ground of its own") {
  RgbImage picture(40, 100);
  draw_text(picture, 500, 500, "Ab", kRed, kWhite);
  CHECK(pixels_of(picture, kWhite) > 50);
  RgbImage tiny(4, 6);  // smaller than a letter
  draw_text(tiny, 0, 0, "long text", kRed, kWhite);
  CHECK(text_width("wide text") > text_width("text"));
}

TEST_CASE("letters lose their accents, and what is not Latin becomes a question mark") {
  CHECK(plain_letters("Größe été Łódź Ærø") == "Grose ete Lodz Aro");
  CHECK(plain_letters("e\u0301te\u0301") == "ete");  // accents of their own
  CHECK(plain_letters("猫 кот") == "? ???");
  CHECK(plain_letters("a\xff\xc3") == "a??");  // no UTF-8
  CHECK(plain_letters("").empty());
}
