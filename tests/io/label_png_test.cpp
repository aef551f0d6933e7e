// Label PNGs are read and written; OpenCV's reader, beside ours, sees their colours.
#include "common/io/label_png.h"

#include <opencv2/imgcodecs.hpp>
#include <set>

#include "common/base/files.h"
#include "common/base/random.h"
#include "common/io/hdf5.h"
#include "common/io/plain_png.h"
#include "tests/io/any_png.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

LabelMap noise(int64_t height, int64_t width) {
  Random random(1, "label noise");
  LabelMap labels(height, width);
  for (auto& pixel : labels.pixels) pixel = static_cast<uint8_t>(random.below(256));
  return labels;
}

}  // namespace

TEST_CASE("VOC's palette has the colours of its classes", "[cpu]") {
  const Palette& palette = voc_palette();
  REQUIRE(palette.size() == 256);
  REQUIRE(palette[0] == Color{0, 0, 0});
  REQUIRE(palette[1] == Color{128, 0, 0});       // aeroplane
  REQUIRE(palette[2] == Color{0, 128, 0});       // bicycle
  REQUIRE(palette[15] == Color{192, 128, 128});  // person
  REQUIRE(palette[20] == Color{0, 64, 128});     // tvmonitor
  REQUIRE(palette[255] == Color{224, 224, 192});
  REQUIRE(std::set<Color>(palette.begin(), palette.end()).size() == 256);
}

TEST_CASE("Label PNGs come back, at any size, with equal bytes for equal labels", "[cpu]") {
  const TemporaryDirectory dir;
  const std::vector<ImageSize> sizes = {{1, 1}, {1, 7}, {9, 1}, {64, 65}, {375, 500}};
  for (const ImageSize& size : sizes) {
    const LabelMap labels = noise(size.height, size.width);
    write_label_png(dir / "a.png", labels);
    REQUIRE(read_label_png(dir / "a.png") == labels);
    write_label_png(dir / "b.png", labels);
    REQUIRE(read_file(dir / "a.png") == read_file(dir / "b.png"));
  }
}

TEST_CASE("A label PNG is what VOC tools expect: one byte per pixel, VOC's palette", "[cpu]") {
  const TemporaryDirectory dir;
  LabelMap labels(2, 2);
  labels.pixels = {0, 15, 20, 255};
  write_label_png(dir / "a.png", labels);
  const std::string bytes = read_file(dir / "a.png");
  const std::string expected_header("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\2\x08\x03\0\0\0", 29);
  REQUIRE(bytes.substr(0, 29) == expected_header);
  const cv::Mat colors = cv::imread((dir / "a.png").string(), cv::IMREAD_COLOR);
  REQUIRE(colors.at<cv::Vec3b>(0, 1) == cv::Vec3b(128, 128, 192));  // BGR
  REQUIRE(colors.at<cv::Vec3b>(1, 1) == cv::Vec3b(192, 224, 224));
}

TEST_CASE("A shorter palette still gives every label a colour", "[cpu]") {
  const TemporaryDirectory dir;
  LabelMap labels(1, 3);
  labels.pixels = {0, 1, 255};
  write_label_png(dir / "a.png", labels, {{1, 2, 3}, {4, 5, 6}});
  REQUIRE(read_label_png(dir / "a.png") == labels);
  const cv::Mat colors = cv::imread((dir / "a.png").string(), cv::IMREAD_COLOR);
  REQUIRE(colors.at<cv::Vec3b>(0, 1) == cv::Vec3b(6, 5, 4));
  REQUIRE(colors.at<cv::Vec3b>(0, 2) == cv::Vec3b(192, 224, 224));
}

TEST_CASE("Label PNGs of other tools: few bits, interlaced, grey, with transparency", "[cpu]") {
  const TemporaryDirectory dir;
  const auto indices = [&](const fs::path& path) { return read_label_png(path).pixels; };
  write_png(dir / "4.png", 2, 3, 4, PNG_COLOR_TYPE_PALETTE, false, {0x12, 0x30, 0xF0, 0x40});
  REQUIRE(indices(dir / "4.png") == std::vector<uint8_t>{1, 2, 3, 15, 0, 4});
  write_png(dir / "1.png", 1, 8, 1, PNG_COLOR_TYPE_PALETTE, false, {0b10110001});
  REQUIRE(indices(dir / "1.png") == std::vector<uint8_t>{1, 0, 1, 1, 0, 0, 0, 1});
  write_png(dir / "grey2.png", 1, 4, 2, PNG_COLOR_TYPE_GRAY, false, {0b00011011});
  REQUIRE(indices(dir / "grey2.png") == std::vector<uint8_t>{0, 1, 2, 3});
  const LabelMap labels = noise(33, 21);
  write_png(dir / "grey8.png", 33, 21, 8, PNG_COLOR_TYPE_GRAY, false, labels.pixels);
  REQUIRE(indices(dir / "grey8.png") == labels.pixels);
  write_png(dir / "woven.png", 33, 21, 8, PNG_COLOR_TYPE_PALETTE, true, labels.pixels);
  REQUIRE(indices(dir / "woven.png") == labels.pixels);
  write_png(dir / "clear.png", 33, 21, 8, PNG_COLOR_TYPE_PALETTE, false, labels.pixels, true);
  REQUIRE(indices(dir / "clear.png") == labels.pixels);
}

TEST_CASE("Plain label PNGs do without libpng, whatever the filter of their rows; others are left to it", "[cpu]") {
  const TemporaryDirectory dir;
  LabelMap labels = noise(60, 81), read;
  for (int64_t y = 20; y < 60; ++y)
    for (int64_t x = 30; x < 81; ++x) labels.at(y, x) = static_cast<uint8_t>(3 * x + y * y / 5);  // worth a filter
  for (const int filters :
       {PNG_FILTER_NONE, PNG_FILTER_SUB, PNG_FILTER_UP, PNG_FILTER_AVG, PNG_FILTER_PAETH, PNG_ALL_FILTERS})
    for (const int color : {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_PALETTE}) {
      INFO("filters " << filters << ", colour type " << color);
      write_png(dir / "a.png", 60, 81, 8, color, false, labels.pixels, false, filters);
      const std::string bytes = read_file(dir / "a.png");
      REQUIRE(read_plain_png(bytes, read));
      REQUIRE(read == labels);
      for (const size_t size : {size_t{0}, size_t{7}, size_t{40}, bytes.size() / 2, bytes.size() - 1})
        REQUIRE_FALSE(read_plain_png(std::string_view(bytes).substr(0, size), read));
    }
  write_png(dir / "woven.png", 60, 81, 8, PNG_COLOR_TYPE_GRAY, true, labels.pixels);
  REQUIRE_FALSE(read_plain_png(read_file(dir / "woven.png"), read));
  write_png(dir / "4.png", 2, 3, 4, PNG_COLOR_TYPE_PALETTE, false, {0x12, 0x30, 0xF0, 0x40});
  REQUIRE_FALSE(read_plain_png(read_file(dir / "4.png"), read));
  REQUIRE(read == labels);
}

TEST_CASE("Pictures are refused as label maps, with the reason", "[cpu]") {
  const TemporaryDirectory dir;
  const auto reading = [](const fs::path& path) { return failure_of([&] { read_label_png(path); }); };
  write_png(dir / "rgb.png", 1, 2, 8, PNG_COLOR_TYPE_RGB, false, {1, 2, 3, 4, 5, 6});
  REQUIRE(reading(dir / "rgb.png").kind == ErrorKind::bad_input);
  REQUIRE(reading(dir / "rgb.png").mentions("rgb.png: has 3 colour channels, expected class ids"));
  write_png(dir / "deep.png", 1, 1, 16, PNG_COLOR_TYPE_GRAY, false, {1, 2});
  REQUIRE(reading(dir / "deep.png").mentions("16 bits"));
  write_png(dir / "alpha.png", 1, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, false, {1, 2});
  REQUIRE(reading(dir / "alpha.png").mentions("alpha"));
  write_plain(dir / "text.png", "no picture at all");
  REQUIRE(reading(dir / "text.png").mentions("is not a PNG"));
  REQUIRE(reading(dir / "absent.png").kind == ErrorKind::bad_input);
}

TEST_CASE("A label PNG cut or changed anywhere is refused", "[cpu]") {
  const TemporaryDirectory dir;
  write_label_png(dir / "a.png", noise(16, 16));
  const std::string whole = read_file(dir / "a.png");
  for (size_t size = 0; size < whole.size(); ++size) {
    write_plain(dir / "cut.png", std::string_view(whole).substr(0, size));
    INFO("cut to " << size << " of " << whole.size());
    REQUIRE(failure_of([&] { read_label_png(dir / "cut.png"); }).kind == ErrorKind::bad_input);
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    write_plain(dir / "changed.png", changed);
    INFO("changed at " << at);
    REQUIRE(failure_of([&] { read_label_png(dir / "changed.png"); }).kind == ErrorKind::bad_input);
  }
}

TEST_CASE("A header that promises more pixels than the file can hold is refused without taking the memory", "[cpu]") {
  const TemporaryDirectory dir;
  write_png(dir / "a.png", 1, 1, 8, PNG_COLOR_TYPE_GRAY, false, {1});
  const std::string bytes = with_promised_side(read_file(dir / "a.png"), 983041);
  write_plain(dir / "b.png", bytes);
  const Failure failure = failure_of([&] { read_label_png(dir / "b.png"); });
  REQUIRE(failure.kind == ErrorKind::bad_input);
  REQUIRE(failure.mentions("983041 x 983041 pixels"));
}

TEST_CASE("The digest of labels is of their size and pixels", "[cpu]") {
  const LabelMap labels = noise(4, 6);
  LabelMap turned = labels, changed = labels;
  std::swap(turned.height, turned.width);
  changed.pixels[5] ^= 1;
  REQUIRE(digest_of_labels(labels) == digest_of_labels(noise(4, 6)));
  REQUIRE(digest_of_labels(labels) != digest_of_labels(turned));
  REQUIRE(digest_of_labels(labels) != digest_of_labels(changed));
}

TEST_CASE("VOC's own label PNGs are read as the indices behind their colours", "[golden]") {
  SHARED_OR_SKIP(shared);
  int64_t maps = 0;
  std::set<int> seen;
  for (const auto& entry : fs::directory_iterator(shared / "voc2012-subset/SegmentationClassAug")) {
    const LabelMap labels = read_label_png(entry.path());
    for (const uint8_t id : labels.pixels) seen.insert(id);
    if (++maps % 20 != 0) continue;
    const cv::Mat colors = cv::imread(entry.path().string(), cv::IMREAD_COLOR);
    REQUIRE(colors.rows == labels.height);
    REQUIRE(colors.cols == labels.width);
    int64_t different = 0;
    for (int64_t y = 0; y < labels.height; ++y)
      for (int64_t x = 0; x < labels.width; ++x) {
        const cv::Vec3b c = colors.at<cv::Vec3b>(static_cast<int>(y), static_cast<int>(x));
        if (voc_palette()[labels.at(y, x)] != Color{c[2], c[1], c[0]}) ++different;
      }
    INFO(entry.path());
    REQUIRE(different == 0);
  }
  REQUIRE(maps == 977);
  for (const int id : seen) REQUIRE((id <= 20 || id == 255));
  REQUIRE(seen.size() == 22);
}

TEST_CASE("The authors' grey label PNGs have the pixels of their digests", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/photos.h5");
  const TemporaryDirectory dir;
  for (const std::string id : {"2009_000012", "2007_001420", "2007_001724", "2007_006490", "2010_004370"})
    for (const std::string kind : {"Y_crf", "Y_ret"}) {
      const LabelMap labels = read_label_png(shared / "golden/photos" / kind / (id + ".png"));
      const auto hw = file.attribute_list<int64_t>(id, "image_hw");
      REQUIRE((labels.height == hw[0] && labels.width == hw[1]));
      write_plain(dir / "pixels", {reinterpret_cast<const char*>(labels.pixels.data()), labels.pixels.size()});
      const CommandResult sum = run_command("sha256sum '" + (dir / "pixels").string() + "'");
      REQUIRE(sum.out.substr(0, 64) == file.attribute_text(id, "sha256_" + kind));
      write_label_png(dir / "again.png", labels);
      REQUIRE(read_label_png(dir / "again.png") == labels);
    }
}
