#include "common/io/image.h"

#include <array>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/codecs.h"
#include "common/io/jpeg.h"
#include "common/io/png_codec.h"

namespace boxseg {
namespace {

constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::string_view kJpegSignature("\xff\xd8\xff", 3);

unsigned byte_at(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }
uint64_t big_endian(std::string_view bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | byte_at(bytes, at + i);
  return value;
}

// "" when the JPEG runs to its end marker, else what is wrong. Walks the segments; entropy-coded data ends at a
// 0xFF that is not followed by 0 or a restart marker.
std::string fault_of_jpeg(std::string_view bytes) {
  size_t at = 2;
  bool has_scan = false;
  while (at + 1 < bytes.size()) {
    if (byte_at(bytes, at) != 0xFF) return "a segment does not begin with a marker";
    const unsigned marker = byte_at(bytes, at + 1);
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker == 0xD9) return has_scan ? "" : "it ends before its first scan";
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {  // without a length
      at += 2;
      continue;
    }
    if (at + 4 > bytes.size()) break;
    at += 2 + big_endian(bytes, at + 2, 2);
    if (marker != 0xDA) continue;
    has_scan = true;
    for (;; at += 2) {
      if (at >= bytes.size()) return "the file ends early";
      const void* next = std::memchr(bytes.data() + at, 0xFF, bytes.size() - at);
      if (next == nullptr) return "the file ends early";
      at = static_cast<size_t>(static_cast<const char*>(next) - bytes.data());
      while (at + 1 < bytes.size() && byte_at(bytes, at + 1) == 0xFF) ++at;
      if (at + 1 >= bytes.size()) return "the file ends early";
      const unsigned follows = byte_at(bytes, at + 1);
      if (follows != 0 && !(follows >= 0xD0 && follows <= 0xD7)) break;
    }
  }
  return "the file ends early";
}

std::string fault_of_png(std::string_view bytes) {
  for (size_t at = 8;;) {
    if (at + 12 > bytes.size()) return "the file ends early";
    const uint64_t length = big_endian(bytes, at, 4);
    if (length > bytes.size() - at - 12) return "the file ends early";
    if (bytes.substr(at + 4, 4) == "IEND") return "";
    at += 12 + length;
  }
}

std::string fault_of(std::string_view bytes) {
  if (bytes.starts_with(kJpegSignature)) return fault_of_jpeg(bytes);
  if (bytes.starts_with(kPngSignature)) return fault_of_png(bytes);
  return "";
}

void refuse_if_cut(const std::filesystem::path& path, std::string_view bytes) {
  if (bytes.empty()) fail_input("{}: is empty; copy the image again", path.string());
  if (const std::string fault = fault_of(bytes); !fault.empty())
    fail_input("{}: is damaged or cut short ({}); copy the image again", path.string(), fault);
}

RgbImage decode(const std::filesystem::path& path, const std::string& bytes) {
  refuse_if_cut(path, bytes);
  if (bytes.starts_with(kJpegSignature))
    if (std::optional<RgbImage> image = decode_jpeg(bytes)) return std::move(*image);
  if (bytes.starts_with(kPngSignature)) return decode_png_rgb(path, bytes);
  return decode_unusual_image(path, bytes);
}

// The frame header among a JPEG's segments; {0,0} when there is none (or its height comes later, in a DNL segment).
ImageSize jpeg_size(std::ifstream& file) {
  std::array<char, 9> head;
  for (std::streamoff at = 2;;) {
    file.seekg(at);
    if (!file.read(head.data(), head.size())) return {};
    const std::string_view bytes(head.data(), head.size());
    const unsigned marker = byte_at(bytes, 1);
    if (byte_at(bytes, 0) != 0xFF || marker == 0xDA || marker == 0xD9) return {};
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
      at += 2;
      continue;
    }
    const bool is_frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_frame) {
      const auto height = static_cast<int64_t>(big_endian(bytes, 5, 2));
      const auto width = static_cast<int64_t>(big_endian(bytes, 7, 2));
      return height > 0 && width > 0 ? ImageSize{height, width} : ImageSize{};
    }
    at += 2 + static_cast<std::streamoff>(big_endian(bytes, 2, 2));
  }
}

}  // namespace

RgbImage read_rgb(const std::filesystem::path& path) { return decode(path, read_file(path)); }

ImageSize read_image_size(const std::filesystem::path& path) {
  ImageSize size;
  {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 24> head;
    if (file && file.read(head.data(), head.size())) {
      const std::string_view bytes(head.data(), head.size());
      if (bytes.starts_with(kPngSignature) && bytes.substr(12, 4) == "IHDR")
        size = {static_cast<int64_t>(big_endian(bytes, 20, 4)), static_cast<int64_t>(big_endian(bytes, 16, 4))};
      else if (bytes.starts_with(kJpegSignature))
        size = jpeg_size(file);
    }
  }
  if (size.height > 0 && size.width > 0) return size;
  const RgbImage image = read_rgb(path);
  return {image.height, image.width};
}

void check_image_is_whole(const std::filesystem::path& path) {
  std::array<char, 8> head{};
  std::array<char, 12> tail{};
  std::ifstream file(path, std::ios::binary);
  if (file.read(head.data(), head.size()) && file.seekg(-static_cast<std::streamoff>(tail.size()), std::ios::end) &&
      file.read(tail.data(), tail.size())) {  // nearly all files end with their end marker
    const std::string_view begin(head.data(), head.size()), end(tail.data(), tail.size());
    if (begin.starts_with(kJpegSignature) && end.ends_with("\xff\xd9")) return;
    if (begin == kPngSignature && end.substr(4, 4) == "IEND") return;
  }
  const std::string bytes = read_file(path);
  refuse_if_cut(path, bytes);
  const std::string_view view(bytes);
  if (!view.starts_with(kJpegSignature) && !view.starts_with(kPngSignature)) decode(path, bytes);
}

void write_rgb_jpeg(const std::filesystem::path& path, const RgbImage& image, int quality) {
  write_file(path, encode_jpeg(image, quality));
}

void write_rgb_png(const std::filesystem::path& path, const RgbImage& image) {
  write_file(path, encode_rgb_png(image));
}

std::string encode_rgb_png(const RgbImage& image, int level) {
  return encode_png({.height = image.height, .width = image.width, .channels = 3, .pixels = image.pixels.data()},
                    level);
}

}  // namespace boxseg
