// PNGs of every layout are compared with OpenCV's reader, and OpenCV reads what our writer makes.
#include "common/io/png_codec.h"

#include "common/base/files.h"
#include "common/base/random.h"
#include "tests/io/any_png.h"
#include "tests/io/by_opencv.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::vector<uint8_t> noise(size_t count) {
  Random random(3, "png noise");
  std::vector<uint8_t> values(count);
  for (auto& value : values) value = static_cast<uint8_t>(random.below(256));
  return values;
}

struct Layout {
  const char* name;
  int color, channels;
  std::vector<int> depths;
};

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all = {{"grey", PNG_COLOR_TYPE_GRAY, 1, {1, 2, 4, 8, 16}},
                                          {"palette", PNG_COLOR_TYPE_PALETTE, 1, {1, 2, 4, 8}},
                                          {"RGB", PNG_COLOR_TYPE_RGB, 3, {8, 16}},
                                          {"grey with alpha", PNG_COLOR_TYPE_GRAY_ALPHA, 2, {8, 16}},
                                          {"RGBA", PNG_COLOR_TYPE_RGB_ALPHA, 4, {8, 16}}};
  return all;
}

}  // namespace

TEST_CASE("A PNG of any layout is read as the RGB that OpenCV makes of it", "[cpu]") {
  const TemporaryDirectory dir;
  int compared = 0;
  for (const Layout& layout : layouts())
    for (const int depth : layout.depths)
      for (const bool is_interlaced : {false, true})
        for (const bool has_transparency : {false, true}) {
          if (has_transparency && (layout.color & PNG_COLOR_MASK_ALPHA) != 0) continue;
          for (const auto& [width, height] : {std::pair{53, 37}, {1, 1}, {3, 17}}) {
            INFO(layout.name << ", " << depth << " bits, " << width << " x " << height
                             << (is_interlaced ? ", interlaced" : "")
                             << (has_transparency ? ", with transparency" : ""));
            const auto row_bytes = static_cast<size_t>((width * layout.channels * depth + 7) / 8);
            write_png(dir / "a.png", height, width, depth, layout.color, is_interlaced,
                      noise(row_bytes * static_cast<size_t>(height)), has_transparency, PNG_ALL_FILTERS);
            const RgbImage image = read_rgb(dir / "a.png");
            REQUIRE((image.height == height && image.width == width));
            REQUIRE(equal(image, by_opencv(read_file(dir / "a.png")).value()));
            ++compared;
          }
        }
  REQUIRE(compared == 156);
}

TEST_CASE("A photograph in PNG that is cut or changed anywhere is refused with its name", "[cpu]") {
  const TemporaryDirectory dir;
  write_png(dir / "a.png", 9, 9, 8, PNG_COLOR_TYPE_RGB, false, noise(9 * 9 * 3));
  const std::string whole = read_file(dir / "a.png");
  for (size_t at = 0; at < whole.size(); ++at) {
    INFO("at " << at << " of " << whole.size());
    write_plain(dir / "cut.png", std::string_view(whole).substr(0, at));
    REQUIRE(failure_of([&] { read_rgb(dir / "cut.png"); }).kind == ErrorKind::bad_input);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    write_plain(dir / "changed.png", changed);
    const Failure failure = failure_of([&] { read_rgb(dir / "changed.png"); });
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE(failure.mentions("changed.png: is"));
    // Newer versions of libpng look no more at what stands behind the pixels.
    const bool is_end = at + 12 >= whole.size();
    if (!is_end) REQUIRE_FALSE(by_opencv(changed).has_value());
  }
}

TEST_CASE("A damaged chunk that says nothing of the pixels does no harm, as in OpenCV", "[cpu]") {
  const TemporaryDirectory dir;
  write_png(dir / "a.png", 9, 9, 8, PNG_COLOR_TYPE_PALETTE, false, noise(81), true);
  std::string bytes = read_file(dir / "a.png");
  bytes[bytes.find("tRNS") + 5] ^= 4;
  write_plain(dir / "b.png", bytes);
  REQUIRE(equal(read_rgb(dir / "b.png"), read_rgb(dir / "a.png")));
  REQUIRE(equal(read_rgb(dir / "b.png"), by_opencv(bytes).value()));
}

TEST_CASE("A photograph that promises more pixels than its bytes can hold is refused without taking the memory",
          "[cpu]") {
  const TemporaryDirectory dir;
  write_png(dir / "a.png", 1, 1, 8, PNG_COLOR_TYPE_RGB, false, {1, 2, 3});
  for (const uint32_t side : {30'000u, 983'041u}) {
    write_plain(dir / "b.png", with_promised_side(read_file(dir / "a.png"), side));
    const Failure failure = failure_of([&] { read_rgb(dir / "b.png"); });
    INFO(failure.message);
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE(failure.mentions(std::to_string(side) + " x " + std::to_string(side) + " pixels in "));
  }
  // Nearly a million times nearly a million pixels of one bit would take 3 TB as RGB, and more bytes do not make them
  // right.
  write_png(dir / "c.png", 4000, 3000, 1, PNG_COLOR_TYPE_GRAY, false, noise(4000 * 375));
  write_plain(dir / "d.png", with_promised_side(read_file(dir / "c.png"), 100'000));
  REQUIRE(failure_of([&] { read_rgb(dir / "d.png"); }).mentions("more than the 1073741824 that a photograph may have"));
}

TEST_CASE("Written pictures come back from OpenCV's reader pixel for pixel, with their alpha", "[cpu]") {
  for (const int channels : {3, 4})
    for (const int level : {1, 3, 9})
      for (const auto& [width, height] : {std::pair{53, 37}, {1, 1}, {300, 200}}) {
        INFO(channels << " channels, level " << level << ", " << width << " x " << height);
        const auto pixels = noise(static_cast<size_t>(width * height * channels));
        const std::string bytes = encode_png({height, width, channels, pixels.data()}, level);
        REQUIRE(bytes == encode_png({height, width, channels, pixels.data()}, level));
        const cv::Mat raw(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
        cv::Mat found = cv::imdecode(raw, cv::IMREAD_UNCHANGED);
        REQUIRE((found.rows == height && found.cols == width && found.channels() == channels));
        cv::cvtColor(found, found, channels == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_BGRA2RGBA);
        REQUIRE(std::vector<uint8_t>(found.datastart, found.dataend) == pixels);
      }
}

TEST_CASE("A picture without pixels is not written as PNG", "[cpu]") {
  const RgbImage none;
  REQUIRE(failure_of([&] { encode_rgb_png(none); }).mentions("0 x 0 pixels cannot be encoded"));
}
