// TurboJPEG's decoding is compared with OpenCV's, byte for byte.
#include "common/io/jpeg.h"

#include <turbojpeg.h>

#include <opencv2/imgcodecs.hpp>

#include "common/base/random.h"
#include "common/io/image_container.h"
#include "tests/io/by_opencv.h"
#include "tests/io/exif.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::vector<uint8_t> noise(size_t count) {
  Random random(2, "jpeg noise");
  std::vector<uint8_t> values(count);
  for (auto& value : values) value = static_cast<uint8_t>(random.below(256));
  return values;
}

std::string encoded(int width, int height, TJPF layout, TJSAMP sampling, int flags = 0) {
  const auto pixels = noise(static_cast<size_t>(width * height * tjPixelSize[layout]));
  const tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  REQUIRE(tjCompress2(encoder, pixels.data(), width, 0, height, layout, &bytes, &size, sampling, 85, flags) == 0);
  const std::string result(reinterpret_cast<const char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(encoder);
  return result;
}

}  // namespace

TEST_CASE("JPEGs of every chroma sampling decode to OpenCV's bytes", "[cpu]") {
  for (const TJSAMP sampling : {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440, TJSAMP_411, TJSAMP_GRAY})
    for (const int flags : {0, TJFLAG_PROGRESSIVE})
      for (const auto& [width, height] : {std::pair{53, 37}, {64, 48}, {1, 1}, {17, 2}}) {
        INFO("sampling " << sampling << ", flags " << flags << ", " << width << " x " << height);
        const std::string bytes = encoded(width, height, TJPF_RGB, sampling, flags);
        const auto image = decode_jpeg(bytes);
        REQUIRE(image.has_value());
        REQUIRE((image->width == width && image->height == height));
        REQUIRE(equal(*image, by_opencv(bytes).value()));
      }
}

TEST_CASE("Damage within a JPEG's data leaves the same pixels as in OpenCV", "[cpu]") {
  std::string bytes = encoded(64, 64, TJPF_RGB, TJSAMP_420);
  for (size_t at = bytes.size() / 2; at < bytes.size() / 2 + 40; ++at) bytes[at] = 0x55;
  const auto image = decode_jpeg(bytes);
  REQUIRE(image.has_value());
  REQUIRE(equal(*image, by_opencv(bytes).value()));
}

TEST_CASE("What TurboJPEG does not turn into RGB is left to others", "[cpu]") {
  REQUIRE_FALSE(decode_jpeg(encoded(20, 10, TJPF_CMYK, TJSAMP_444)).has_value());
  REQUIRE_FALSE(decode_jpeg("\xff\xd8\xff no JPEG").has_value());
}

TEST_CASE("Written JPEGs are OpenCV's, byte for byte: digests of drawn photographs do not change", "[cpu]") {
  for (const int quality : {1, 50, 75, 82, 90, 95, 96, 100})
    for (const auto& [width, height] : {std::pair{53, 37}, {64, 48}, {1, 1}, {17, 2}}) {
      INFO("quality " << quality << ", " << width << " x " << height);
      RgbImage image(height, width);
      image.pixels = noise(image.pixels.size());
      cv::Mat bgr;
      cv::cvtColor(cv::Mat(height, width, CV_8UC3, image.pixels.data()), bgr, cv::COLOR_RGB2BGR);
      std::vector<uint8_t> expected;
      REQUIRE(cv::imencode(".jpg", bgr, expected, {cv::IMWRITE_JPEG_QUALITY, quality}));
      REQUIRE(encode_jpeg(image, quality) == std::string(expected.begin(), expected.end()));
    }
}

TEST_CASE("An image without pixels, and a quality that does not exist, are not written as JPEG", "[cpu]") {
  REQUIRE(failure_of([] { encode_jpeg(RgbImage(), 90); }).mentions("0 x 0 pixels cannot be encoded as JPEG"));
  REQUIRE(failure_of([] { encode_jpeg(RgbImage(2, 2), 101); }).kind == ErrorKind::failed);
}

TEST_CASE("The beginning of a JPEG tells its upright size, and whether it is grey", "[cpu]") {
  for (const int flags : {0, TJFLAG_PROGRESSIVE})
    for (const TJSAMP sampling : {TJSAMP_420, TJSAMP_GRAY})
      for (const int orientation : {1, 3, 6}) {
        INFO("flags " << flags << ", sampling " << sampling << ", orientation " << orientation);
        const std::string bytes = jpeg_with_exif(encoded(53, 37, TJPF_RGB, sampling, flags), exif_of(orientation));
        const auto header = header_of_jpeg(bytes);
        REQUIRE(header.has_value());
        const ImageSize lying{37, 53}, standing{53, 37};
        REQUIRE(header->size == (orientation == 6 ? standing : lying));
        REQUIRE(header->is_grey == (sampling == TJSAMP_GRAY));
        // Whatever is cut off, the answer is the same or none.
        for (size_t length = 0; length < bytes.size(); ++length) {
          const auto cut = header_of_jpeg(std::string_view(bytes).substr(0, length));
          REQUIRE((!cut || (cut->size == header->size && cut->is_grey == header->is_grey)));
        }
      }
  REQUIRE_FALSE(header_of_jpeg("\x89PNG\r\n").has_value());
  REQUIRE_FALSE(header_of_jpeg("\xff\xd8\xff\xd9").has_value());
}
