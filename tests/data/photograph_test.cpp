// What is known of a photograph without decoding it.
#include "common/data/photograph.h"

#include <algorithm>

#include "common/base/files.h"
#include "common/io/image.h"
#include "common/io/jpeg.h"
#include "tests/io/exif.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

RgbImage coloured(int64_t height, int64_t width) {
  RgbImage image(height, width);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 7);
  return image;
}

// Cameras put previews, profiles and notes in front of the pixels; so does this.
std::string with_segments(const std::string& jpeg, int segments) {
  std::string notes;
  for (int i = 0; i < segments; ++i) notes += "\xff\xed" + big_endian(60002, 2) + std::string(60000, 'n');
  return jpeg.substr(0, 2) + notes + jpeg.substr(2);
}

}  // namespace

TEST_CASE("A photograph's size and channels are known without its pixels, however late the file says them", "[cpu]") {
  const TemporaryDirectory folder;
  const fs::path path = folder / "photo.jpg";
  const std::string jpeg = encode_jpeg(coloured(30, 40), 90);
  for (const int segments : {0, 1, 4}) {  // within 4 kB, within 128 kB, behind
    INFO(segments << " segments of 60 kB");
    write_file(path, with_segments(jpeg, segments));
    const PhotographHeader header = look_at_header(path);
    REQUIRE(header.size == ImageSize{30, 40});
    REQUIRE_FALSE(header.is_grey);
    write_file(path, jpeg_with_exif(with_segments(jpeg, segments), exif_of(6)));
    REQUIRE(look_at_header(path).size == ImageSize{40, 30});
  }
  // Nothing behind the beginning is looked at.
  write_file(path, with_segments(jpeg, 1).substr(0, 60800));
  REQUIRE(look_at_header(path).size == ImageSize{30, 40});
}

TEST_CASE("A photograph of another format is grey where no pixel has a colour", "[cpu]") {
  const TemporaryDirectory folder;
  const fs::path path = folder / "photo.png";
  RgbImage image(5, 6);
  std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{90});
  write_rgb_png(path, image);
  REQUIRE(look_at_header(path).is_grey);
  image.pixels[20] = 91;
  write_rgb_png(path, image);
  REQUIRE_FALSE(look_at_header(path).is_grey);
  REQUIRE(look_at_header(path).size == ImageSize{5, 6});
}

TEST_CASE("Looking at no photograph names the file", "[cpu]") {
  const TemporaryDirectory folder;
  REQUIRE(failure_of([&] { look_at_header(folder / "none.jpg"); }).mentions("none.jpg: cannot be read"));
  write_file(folder / "text.jpg", "hello");
  REQUIRE(failure_of([&] { look_at_header(folder / "text.jpg"); }).mentions("text.jpg"));
}
