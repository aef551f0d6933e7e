// Holds RGB photographs and label maps in memory, and reads and writes their files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace boxseg {

// 8-bit RGB, row-major, [H,W,3].
struct RgbImage {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;
  RgbImage() = default;
  RgbImage(int64_t h, int64_t w) : height(h), width(w), pixels(static_cast<size_t>(h * w * 3)) {}
};

// Class ids per pixel, [H,W]; 255 = void.
struct LabelMap {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;
  LabelMap() = default;
  LabelMap(int64_t h, int64_t w, uint8_t value = 0) : height(h), width(w), pixels(static_cast<size_t>(h * w), value) {}
  uint8_t& at(int64_t y, int64_t x) { return pixels[static_cast<size_t>(y * width + x)]; }
  uint8_t at(int64_t y, int64_t x) const { return pixels[static_cast<size_t>(y * width + x)]; }
  friend bool operator==(const LabelMap&, const LabelMap&) = default;
};

struct ImageSize {
  int64_t height = 0, width = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

// Reads a photograph as RGB; grey images become RGB. On VOC JPEGs its bytes equal those of the authors' pillow (all are
// libjpeg-turbo's). The image is turned upright as its EXIF says (common/io/orientation.h), which VOC's do not have and
// the authors ignore. Throws bad_input with the file's name where it is missing, not an image, damaged or truncated.
RgbImage read_rgb(const std::filesystem::path& path);
// Decodes a file that is read already. `remark` gets what a user should know of it, worded to follow its name: damaged
// data in a JPEG, further pages of a TIFF; or "".
RgbImage decode_rgb(const std::filesystem::path& path, const std::string& bytes, std::string* remark = nullptr);

void write_rgb_jpeg(const std::filesystem::path& path, const RgbImage& image, int quality = 90);  // atomically
void write_rgb_png(const std::filesystem::path& path, const RgbImage& image);                     // atomically
// Returns the bytes of that PNG file. `level` is zlib's.
std::string encode_rgb_png(const RgbImage& image, int level = 3);

}  // namespace boxseg
