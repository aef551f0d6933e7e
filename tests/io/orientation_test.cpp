// Photographs, label maps and sizes are those of the upright picture.
#include "common/io/orientation.h"

#include <zlib.h>

#include <opencv2/imgcodecs.hpp>

#include "common/base/files.h"
#include "common/base/random.h"
#include "common/io/image_container.h"
#include "common/io/label_png.h"
#include "tests/io/by_opencv.h"
#include "tests/io/damage.h"
#include "tests/io/exif.h"
#include "tests/io/tiff.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// The chunk stands before the last one, IEND, after the pixels.
std::string png_with(const std::string& png, const std::string& exif) {
  const std::string body = "eXIf" + exif;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return png.substr(0, png.size() - 12) + big_endian(exif.size(), 4) + body + big_endian(sum, 4) +
         png.substr(png.size() - 12);
}

// Turns a WebP into the extended form: canvas, pixels, EXIF.
std::string webp_with(const std::string& webp, const std::string& exif, int64_t height, int64_t width) {
  const auto little = [](size_t value, size_t count) {
    std::string bytes = big_endian(value, count);
    return std::string(bytes.rbegin(), bytes.rend());
  };
  constexpr char kHasExif = 8;
  const std::string chunks = "VP8X" + little(10, 4) + kHasExif + std::string(3, '\0') +
                             little(static_cast<size_t>(width - 1), 3) + little(static_cast<size_t>(height - 1), 3) +
                             webp.substr(12) + "EXIF" + little(exif.size(), 4) + exif;
  return "RIFF" + little(chunks.size() + 4, 4) + "WEBP" + chunks;
}

RgbImage noise(int64_t height, int64_t width) {
  Random random(1, "orientation");
  RgbImage image(height, width);
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(random.below(256));
  return image;
}

}  // namespace

TEST_CASE("Photographs are turned upright as OpenCV turns them", "[cpu]") {
  const TemporaryDirectory dir;
  write_rgb_jpeg(dir / "a.jpg", noise(16, 24));
  const std::string stored = read_file(dir / "a.jpg");
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool is_big_endian : {false, true}) {
      INFO("orientation " << orientation << (is_big_endian ? ", MM" : ", II"));
      write_plain(dir / "turned.jpg", jpeg_with_exif(stored, exif_of(orientation, is_big_endian)));
      const cv::Mat expected = cv::imread((dir / "turned.jpg").string());
      const RgbImage image = read_rgb(dir / "turned.jpg");
      REQUIRE((image.height == expected.rows && image.width == expected.cols));
      REQUIRE(image.height == (orientation < 5 ? 16 : 24));
      cv::Mat rgb;
      cv::cvtColor(expected, rgb, cv::COLOR_BGR2RGB);
      REQUIRE(std::equal(image.pixels.begin(), image.pixels.end(), rgb.datastart));
    }
}

TEST_CASE("TIFFs tell their pages, and that they are stored turned", "[cpu]") {
  const TemporaryDirectory dir;
  for (const bool is_big_endian : {false, true}) {
    const std::string three = tiff_file(4, 6, 3, 1, is_big_endian), turned = tiff_file(4, 6, 1, 6, is_big_endian);
    REQUIRE(pages_of_image(three) == 3);
    REQUIRE(pages_of_image(turned) == 1);
    REQUIRE(is_stored_turned(turned));
    REQUIRE_FALSE(is_stored_turned(three));
    REQUIRE(orientation_of_image(turned) == Orientation::upright);  // OpenCV has turned it by then
    std::string remark;
    REQUIRE(decode_rgb("a.tif", turned, &remark).height == 6);
    REQUIRE(remark.empty());
    REQUIRE(decode_rgb("a.tif", three, &remark).height == 4);
    REQUIRE_THAT(remark, Contains("holds 3 pages: the first is taken"));
  }
  std::string circle = tiff_file(4, 6, 2);
  circle.replace(circle.size() - 4, 4, circle.substr(4, 4));
  REQUIRE(pages_of_image(circle) >= 2);  // and it ends
  for (const char* other : {"", "II", "II*", "MM"}) REQUIRE(pages_of_image(other) == 1);
}

TEST_CASE("PNG, WebP and label maps are turned as JPEGs are", "[cpu]") {
  const TemporaryDirectory dir;
  const RgbImage image = noise(4, 6);
  LabelMap labels(4, 6);
  for (size_t i = 0; i < labels.pixels.size(); ++i) labels.pixels[i] = static_cast<uint8_t>(i);
  write_rgb_png(dir / "a.png", image);
  write_label_png(dir / "labels.png", labels);
  cv::Mat bgr, rgb(4, 6, CV_8UC3, const_cast<uint8_t*>(image.pixels.data()));
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  cv::imwrite((dir / "a.webp").string(), bgr, {cv::IMWRITE_WEBP_QUALITY, 101});  // lossless
  const std::string png = read_file(dir / "a.png"), webp = read_file(dir / "a.webp"),
                    label_png = read_file(dir / "labels.png");
  for (int value = 1; value <= 8; ++value) {
    INFO("orientation " << value);
    const auto orientation = static_cast<Orientation>(value);
    const std::string exif = exif_of(value, value % 2 == 0);
    write_plain(dir / "turned.png", png_with(png, exif));
    write_plain(dir / "turned.webp", webp_with(webp, exif, 4, 6));
    write_plain(dir / "turned_labels.png", png_with(label_png, exif));
    REQUIRE(equal(read_rgb(dir / "turned.png"), upright(image, orientation)));
    REQUIRE(equal(read_rgb(dir / "turned.webp"), upright(image, orientation)));
    REQUIRE(read_label_png(dir / "turned_labels.png") == upright(labels, orientation));
    REQUIRE(upright(ImageSize{4, 6}, orientation) == (value < 5 ? ImageSize{4, 6} : ImageSize{6, 4}));
  }
  // Turned clockwise, the first column, read upwards, becomes the first row.
  REQUIRE(upright(labels, Orientation::turn_clockwise).pixels ==
          std::vector<uint8_t>{18, 12, 6, 0, 19, 13, 7, 1, 20, 14, 8, 2, 21, 15, 9, 3, 22, 16, 10, 4, 23, 17, 11, 5});
}

TEST_CASE("EXIF that says nothing of the orientation, or nonsense, leaves the picture as it is", "[cpu]") {
  const std::string exif = exif_of(6);
  REQUIRE(orientation_of_exif(exif) == Orientation::turn_clockwise);
  REQUIRE(orientation_of_exif(std::string("Exif\0\0", 6) + exif) == Orientation::turn_clockwise);
  for (const int value : {0, 9, 255}) REQUIRE(orientation_of_exif(exif_of(value, true)) == Orientation::upright);
  // The EXIF is cut anywhere before its value, or has directories and counts that lie beyond the end.
  for (size_t size = 0; size <= 30; ++size) REQUIRE(orientation_of_exif(exif.substr(0, size)) == Orientation::upright);
  for (const size_t at : {4u, 5u, 6u, 7u, 8u, 9u}) {
    std::string damaged = exif;
    damaged[at] = '\xff';
    orientation_of_exif(damaged);  // ends, and reads nothing beyond the end
  }
  REQUIRE(orientation_of_exif(std::string("II*\0\xfe\xff\xff\xff", 8)) == Orientation::upright);
}

TEST_CASE("The orientation is found whatever stands before it", "[cpu]") {
  const TemporaryDirectory dir;
  write_rgb_jpeg(dir / "a.jpg", noise(8, 8));
  const std::string turned = jpeg_with_exif(read_file(dir / "a.jpg"), exif_of(3));
  // An APP1 segment that is XMP, fill bytes, and stray bytes may stand before it.
  const std::string name = "http://ns.adobe.com/xap/1.0/", xmp = "\xff\xe1" + big_endian(name.size() + 2, 2) + name;
  for (const std::string& before : {xmp, xmp + "\xff\xff", xmp + "stray"})
    REQUIRE(orientation_of_image(turned.substr(0, 2) + before + turned.substr(2)) == Orientation::turn_by_180);
  // A thumbnail's pixels behind the scan's start are no segments.
  const std::string plain = read_file(dir / "a.jpg");
  REQUIRE(orientation_of_image(plain + jpeg_with_exif(plain, exif_of(3))) == Orientation::upright);
  for (size_t size = 0; size < turned.size(); ++size) orientation_of_image(turned.substr(0, size));
}

TEST_CASE("Sizes that fit the other orientation are called that", "[cpu]") {
  REQUIRE_THAT(reason_of_exchanged_sides({3, 4}, {4, 3}), Contains("width and height are exchanged"));
  REQUIRE(reason_of_exchanged_sides({3, 3}, {3, 3}).empty());
  REQUIRE(reason_of_exchanged_sides({3, 4}, {4, 5}).empty());
}
