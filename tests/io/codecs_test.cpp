// libboxseg_codecs.so reads unusual photographs as OpenCV itself does, and shows little to the outside.
#include "common/io/codecs.h"

#include <dlfcn.h>
#include <turbojpeg.h>

#include <array>
#include <atomic>
#include <iostream>
#include <thread>

#include "common/base/files.h"
#include "common/base/random.h"
#include "common/io/codecs/boxseg_codecs.h"
#include "tests/base/capture.h"
#include "tests/io/by_opencv.h"
#include "tests/io/damage.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const fs::path kLibrary = fs::path(BOXSEG_BIN_DIR) / "../lib/libboxseg_codecs.so";

cv::Mat noise(int height, int width, int type) {
  Random random(4, "noise of unusual photographs");
  cv::Mat image(height, width, type);
  for (uchar* value = image.data; value != image.dataend; ++value) *value = static_cast<uchar>(random.below(256));
  return image;
}

std::string encoded(const std::string& format, const cv::Mat& image) {
  std::vector<uint8_t> bytes;
  REQUIRE(cv::imencode(format, image, bytes));
  return {bytes.begin(), bytes.end()};
}

std::string cmyk_jpeg() {
  const cv::Mat image = noise(10, 20, CV_8UC4);
  const tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  REQUIRE(tjCompress2(encoder, image.data, 20, 0, 10, TJPF_CMYK, &bytes, &size, TJSAMP_444, 85, 0) == 0);
  const std::string result(reinterpret_cast<const char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(encoder);
  return result;
}

struct UnusualImage {
  std::string name, bytes;
};

// Returns one image of each format.
std::vector<UnusualImage> unusual_images() {
  return {{"colour.bmp", encoded(".bmp", noise(37, 53, CV_8UC3))},
          {"grey.bmp", encoded(".bmp", noise(37, 53, CV_8UC1))},
          {"alpha.bmp", encoded(".bmp", noise(5, 7, CV_8UC4))},
          {"colour.tif", encoded(".tif", noise(37, 53, CV_8UC3))},
          {"deep.tif", encoded(".tif", noise(37, 53, CV_16UC3))},
          {"alpha.tif", encoded(".tif", noise(5, 7, CV_8UC4))},
          {"colour.webp", encoded(".webp", noise(37, 53, CV_8UC3))},
          {"alpha.webp", encoded(".webp", noise(5, 7, CV_8UC4))},
          {"colour.ppm", encoded(".ppm", noise(37, 53, CV_8UC3))},
          {"cmyk.jpg", cmyk_jpeg()}};
}

}  // namespace

TEST_CASE("Photographs of unusual formats have OpenCV's pixels", "[cpu]") {
  const TemporaryDirectory dir;
  for (const UnusualImage& image : unusual_images()) {
    INFO(image.name);
    const fs::path path = dir / image.name;
    write_plain(path, image.bytes);
    const auto expected = by_opencv(image.bytes);
    REQUIRE(expected.has_value());
    REQUIRE(equal(read_rgb(path), *expected));
  }
}

TEST_CASE("A damaged photograph of an unusual format gives OpenCV's pixels, or a message where OpenCV refuses",
          "[cpu]") {
  int refused = 0, read = 0;
  for (const UnusualImage& image : unusual_images()) {
    const std::string &name = image.name, &whole = image.bytes;
    std::vector<std::string> damaged;
    for (const size_t tenth : {0u, 1u, 3u, 6u, 9u}) damaged.push_back(whole.substr(0, whole.size() * tenth / 10));
    for (const size_t at : {size_t{0}, size_t{5}, size_t{15}, size_t{25}, whole.size() / 2}) {
      damaged.push_back(whole);
      damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 0x41);
    }
    for (const std::string& bytes : damaged) {
      INFO(name << ", " << bytes.size() << " of " << whole.size() << " bytes");
      const auto expected = bytes.empty() ? std::nullopt : by_opencv(bytes);
      std::optional<RgbImage> found;
      const Failure failure = failure_of([&] { found = decode_unusual_image(name, bytes); });
      REQUIRE(found.has_value() == expected.has_value());
      if (expected) {
        REQUIRE(found->height == expected->height);
        REQUIRE(found->width == expected->width);
        ++read;
      } else {
        INFO(failure.message);
        REQUIRE(failure.kind == ErrorKind::bad_input);
        REQUIRE((failure.mentions(name + ": is ") || failure.mentions(name + ": cannot be decoded: ")));
        ++refused;
      }
    }
  }
  REQUIRE(refused > 20);
  REQUIRE(read > 5);
}

TEST_CASE("An image beyond OpenCV's sizes is refused with OpenCV's reason", "[cpu]") {
  std::string bytes = encoded(".bmp", noise(2, 2, CV_8UC3));
  bytes.replace(18, 4, std::string("\0\0\x20\0", 4));  // a width of 2^21
  const Failure failure = failure_of([&] { decode_unusual_image("wide.bmp", bytes); });
  INFO(failure.message);
  REQUIRE(failure.kind == ErrorKind::bad_input);
  REQUIRE(failure.mentions("wide.bmp: cannot be decoded: "));
  REQUIRE(failure.mentions("CV_IO_MAX_IMAGE_WIDTH"));
}

TEST_CASE("What OpenCV prints of a damaged photograph stays inside; what others print does not", "[cpu]") {
  const std::string whole = encoded(".bmp", noise(37, 53, CV_8UC3));
  const std::string printed_then = printed(STDERR_FILENO, [&] {
    REQUIRE_FALSE(
        failure_of([&] { decode_unusual_image("cut.bmp", whole.substr(0, whole.size() / 2)); }).message.empty());
    std::cerr << "another library's line\n";
  });
  REQUIRE(printed_then == "another library's line\n");
}

TEST_CASE("Many threads read unusual photographs at the same time", "[cpu]") {
  const auto images = unusual_images();
  std::vector<RgbImage> expected;
  for (const UnusualImage& image : images) expected.push_back(by_opencv(image.bytes).value());
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 4 * images.size(); ++i) {
        const size_t k = (i + t) % images.size();
        right += equal(decode_unusual_image(images[k].name, images[k].bytes), expected[k]);
      }
    });
  for (auto& thread : threads) thread.join();
  REQUIRE(right == static_cast<int>(8 * 4 * images.size()));
}

TEST_CASE("The codecs' library cuts its message to the room there is, and writes nothing else on failure", "[cpu]") {
  void* const library = dlopen(kLibrary.c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  const auto decode = reinterpret_cast<decltype(&boxseg_codecs_decode)>(dlsym(library, "boxseg_codecs_decode"));
  const auto free = reinterpret_cast<decltype(&boxseg_codecs_free)>(dlsym(library, "boxseg_codecs_free"));
  REQUIRE(decode != nullptr);
  REQUIRE(free != nullptr);
  uint8_t other = 0, *pixels = &other;
  int64_t height = -1, width = -2;
  std::array<char, 16> error{};
  error.fill('#');
  REQUIRE(decode(reinterpret_cast<const uint8_t*>("no image"), 8, &pixels, &height, &width, error.data(), 8) != 0);
  REQUIRE(std::string(error.data()) == "is not ");
  REQUIRE(error[8] == '#');
  REQUIRE(decode(nullptr, 0, &pixels, &height, &width, error.data(), error.size()) != 0);
  REQUIRE(std::string(error.data()) == "is empty");
  REQUIRE((pixels == &other && height == -1 && width == -2));
  free(nullptr);
}

TEST_CASE("The codecs' library shows two functions, with C names", "[cpu]") {
  const CommandResult found =
      run_command("nm -D --defined-only --format=just-symbols '" + kLibrary.string() + "' | sort");
  REQUIRE(found.exit_code == 0);
  REQUIRE(found.out == "boxseg_codecs_decode\nboxseg_codecs_free\n");
}

TEST_CASE("No program is linked to OpenCV's image codecs", "[cpu]") {
  int programs = 0;
  for (const auto& entry : fs::directory_iterator(BOXSEG_BIN_DIR)) {
    const CommandResult found = run_command("LD_TRACE_LOADED_OBJECTS=1 '" + entry.path().string() + "'");
    INFO(entry.path() << "\n" << found.out);
    REQUIRE(found.out.find("libc.so") != std::string::npos);
    REQUIRE(found.out.find("imgcodecs") == std::string::npos);
    ++programs;
  }
  REQUIRE(programs > 0);
}
