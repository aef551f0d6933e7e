// Photographs are decoded, sizes are read from headers, and damage is found.
#include "common/io/image.h"

#include <opencv2/imgcodecs.hpp>

#include "common/base/files.h"
#include "common/base/random.h"
#include "common/io/hdf5.h"
#include "common/io/jpeg.h"
#include "common/io/label_png.h"
#include "tests/io/by_opencv.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

RgbImage gradient(int64_t height, int64_t width) {
  Random random(1, "image noise");
  RgbImage image(height, width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.pixels[static_cast<size_t>((y * width + x) * 3 + c)] = static_cast<uint8_t>((c == 0   ? 3 * x
                                                                                           : c == 1 ? 2 * y
                                                                                                    : 90) %
                                                                                              200 +
                                                                                          random.below(20));
  return image;
}

std::string sha256_of(const RgbImage& image) {
  const TemporaryDirectory dir;
  write_plain(dir / "rgb", {reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()});
  return run_command("sha256sum '" + (dir / "rgb").string() + "'").out.substr(0, 64);
}

}  // namespace

TEST_CASE("PNG photographs come back exactly, JPEGs nearly", "[cpu]") {
  const TemporaryDirectory dir;
  const RgbImage image = gradient(37, 53);
  write_rgb_png(dir / "a.png", image);
  const RgbImage png = read_rgb(dir / "a.png");
  REQUIRE((png.height == 37 && png.width == 53));
  REQUIRE(png.pixels == image.pixels);
  write_rgb_jpeg(dir / "a.jpg", image, 95);
  const RgbImage jpeg = read_rgb(dir / "a.jpg");
  double sum = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i) sum += std::abs(int{jpeg.pixels[i]} - int{image.pixels[i]});
  REQUIRE(sum / static_cast<double>(image.pixels.size()) < 8);
}

TEST_CASE("Grey and transparent images become RGB", "[cpu]") {
  const TemporaryDirectory dir;
  cv::imwrite((dir / "grey.png").string(), cv::Mat(2, 3, CV_8UC1, cv::Scalar(77)));
  REQUIRE(read_rgb(dir / "grey.png").pixels == std::vector<uint8_t>(18, 77));
  cv::imwrite((dir / "alpha.png").string(), cv::Mat(1, 1, CV_8UC4, cv::Scalar(1, 2, 3, 0)));
  REQUIRE(read_rgb(dir / "alpha.png").pixels == std::vector<uint8_t>{3, 2, 1});
}

// libjpeg, and with it OpenCV and Pillow, passes over what stands between segments.
TEST_CASE("Stray bytes between the segments of a JPEG do no harm", "[cpu]") {
  const TemporaryDirectory dir;
  write_rgb_jpeg(dir / "a.jpg", gradient(24, 40));
  const std::string whole = read_file(dir / "a.jpg");
  const RgbImage expected = read_rgb(dir / "a.jpg");
  const size_t second = 4 + static_cast<uint8_t>(whole[4]) * 256u + static_cast<uint8_t>(whole[5]);
  for (const std::string& stray : std::vector<std::string>{"\x12", "stray bytes", "\xff\xff\xff", {"\0\xff\0", 3}}) {
    INFO("stray bytes: " << stray.size());
    const std::string bytes = whole.substr(0, second) + stray + whole.substr(second);
    write_plain(dir / "stray.jpg", bytes);
    REQUIRE(equal(read_rgb(dir / "stray.jpg"), expected));
    REQUIRE(equal(decode_jpeg(bytes).value(), expected));  // not by OpenCV, which would print a line of its own
    REQUIRE(equal(*by_opencv(bytes), expected));
  }
}

TEST_CASE("A PNG with a damaged chunk is refused, and the chunk is named", "[cpu]") {
  const TemporaryDirectory dir;
  write_rgb_png(dir / "a.png", gradient(24, 40));
  std::string bytes = read_file(dir / "a.png");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_plain(dir / "bad.png", bytes);
  REQUIRE(
      // The fault is in its sum or the data's.
      failure_of([&] { read_rgb(dir / "bad.png"); }).mentions("bad.png: is damaged (IDAT: "));
}

TEST_CASE("Bytes after the end of a JPEG or PNG do no harm", "[cpu]") {
  const TemporaryDirectory dir;
  const RgbImage image = gradient(16, 16);
  write_rgb_png(dir / "a.png", image);
  write_rgb_jpeg(dir / "a.jpg", image);
  for (const char* name : {"a.png", "a.jpg"}) {
    const RgbImage before = read_rgb(dir / name);
    write_plain(dir / "longer", read_file(dir / name) + "trailing bytes of some camera");
    REQUIRE(read_rgb(dir / "longer").pixels == before.pixels);
  }
}

TEST_CASE("Cut images are refused at every length", "[cpu]") {
  const TemporaryDirectory dir;
  const RgbImage image = gradient(24, 24);
  write_rgb_png(dir / "a.png", image);
  write_rgb_jpeg(dir / "a.jpg", image);
  cv::imwrite((dir / "p.jpg").string(), cv::Mat(24, 24, CV_8UC3, cv::Scalar(9, 99, 199)),
              {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  for (const char* name : {"a.png", "a.jpg", "p.jpg"}) {
    const std::string whole = read_file(dir / name);
    for (size_t size = 0; size < whole.size(); size += 3) {
      write_plain(dir / "cut", std::string_view(whole).substr(0, size));
      INFO(name << " cut to " << size << " of " << whole.size());
      REQUIRE(failure_of([&] { read_rgb(dir / "cut"); }).kind == ErrorKind::bad_input);
    }
  }
}

TEST_CASE("What is no image is refused with its name", "[cpu]") {
  const TemporaryDirectory dir;
  REQUIRE(failure_of([&] { read_rgb(dir / "absent.jpg"); }).mentions("absent.jpg: cannot be read: No such file"));
  write_plain(dir / "text.jpg", "no picture at all");
  REQUIRE(failure_of([&] { read_rgb(dir / "text.jpg"); }).mentions("text.jpg: is not an image"));
  write_plain(dir / "empty.jpg", "");
  REQUIRE(failure_of([&] { read_rgb(dir / "empty.jpg"); }).mentions("is empty"));
}

TEST_CASE("A file that is no photograph of a known format is named by what it is", "[cpu]") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& bytes) {
    write_plain(dir / "a.jpg", bytes);
    return failure_of([&] { read_rgb(dir / "a.jpg"); });
  };
  const std::string size("\0\0\0\x18", 4), rest(40, '\0');
  REQUIRE(refused(size + "ftypheic" + rest).mentions("a.jpg: is a HEIC photograph, which is not read; convert it"));
  REQUIRE(refused(size + "ftypavif" + rest).mentions("is an AVIF image"));
  REQUIRE(refused("GIF89a" + rest).mentions("is a GIF"));
  REQUIRE(refused("\n<!DOCTYPE html><html></html>").mentions("is a web page"));
  REQUIRE(refused("version https://git-lfs.github.com/spec/v1\n").mentions("is a pointer of Git LFS"));
  REQUIRE(refused("%PDF-1.4" + rest).mentions("is a PDF"));
  REQUIRE(refused("anything else").mentions("is not an image of a known format"));
}

TEST_CASE("VOC's JPEGs decode to the authors' bytes", "[golden]") {
  SHARED_OR_SKIP(shared);
  const fs::path photos = shared / "voc2012-subset/JPEGImages";
  const H5Reader stage2(shared / "golden/stage2.h5"), whole(shared / "golden/photos.h5");
  int64_t compared = 0;
  for (const auto& id : stage2.children("")) {
    if (!stage2.has(id + "/in/rgb")) continue;
    const Shape shape = stage2.shape(id + "/in/rgb");
    const RgbImage image = read_rgb(photos / (id + ".jpg"));
    INFO(id);
    REQUIRE((image.height == shape[0] && image.width == shape[1]));
    REQUIRE(image.pixels == stage2.read<uint8_t>(id + "/in/rgb"));
    ++compared;
  }
  REQUIRE(compared == 7);
  for (const std::string id : {"2009_000012", "2007_001420", "2007_001724", "2007_006490", "2010_004370"})
    REQUIRE(sha256_of(read_rgb(photos / (id + ".jpg"))) == whole.attribute_text(id, "rgb_sha256"));
}

TEST_CASE("Every photograph of the VOC subset is whole and has the size of its labels", "[golden]") {
  SHARED_OR_SKIP(shared);
  const fs::path root = shared / "voc2012-subset";
  int64_t photos = 0;
  for (const auto& entry : fs::directory_iterator(root / "JPEGImages")) {
    const RgbImage photo = read_rgb(entry.path());
    const LabelMap labels = read_label_png(root / "SegmentationClassAug" / (entry.path().stem().string() + ".png"));
    REQUIRE((photo.height == labels.height && photo.width == labels.width));
    ++photos;
  }
  REQUIRE(photos == 977);
}
