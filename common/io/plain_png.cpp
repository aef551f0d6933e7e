#include "common/io/plain_png.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boxseg {
namespace {

constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

struct Chunk {
  std::string_view type, data;
};

// Takes the first chunk off `rest`. Returns nothing when it is cut or its check sum is wrong.
std::optional<Chunk> next_chunk(std::string_view& rest) {
  constexpr size_t kFrame = 12;  // length, type, check sum
  if (rest.size() < kFrame) return {};
  const size_t length = big_endian(rest);
  if (length > rest.size() - kFrame) return {};
  const std::string_view checked = rest.substr(4, 4 + length);
  if (libdeflate_crc32(0, checked.data(), checked.size()) != big_endian(rest.substr(8 + length))) return {};
  rest.remove_prefix(kFrame + length);
  return Chunk{checked.substr(0, 4), checked.substr(4)};
}

// Holds the size and the compressed pixels of a file of the plain kind.
struct PlainPng {
  int64_t height = 0, width = 0;
  std::string_view pixels;
  std::string joined;  // pixels, where several chunks hold them
};

bool parse(std::string_view bytes, PlainPng& png) {
  if (!bytes.starts_with(kSignature)) return false;
  bytes.remove_prefix(kSignature.size());
  const auto header = next_chunk(bytes);
  if (!header || header->type != "IHDR" || header->data.size() != 13) return false;
  const uint32_t width = big_endian(header->data), height = big_endian(header->data.substr(4));
  const char depth = header->data[8], colour = header->data[9];
  const bool is_palette = colour == 3;
  if (depth != 8 || !(colour == 0 || is_palette) || header->data.substr(10) != std::string_view("\0\0\0", 3))
    return false;
  constexpr uint32_t kMostSide = 1'000'000;  // libpng's limit
  if (width < 1 || height < 1 || width > kMostSide || height > kMostSide) return false;
  png.height = height, png.width = width;

  bool has_palette = false, has_ended = false;
  std::string_view last_type;
  while (!has_ended) {
    const auto chunk = next_chunk(bytes);
    if (!chunk) return false;
    if (chunk->type == "IDAT") {
      if (png.pixels.empty()) {
        png.pixels = chunk->data;
      } else {
        if (last_type != "IDAT") return false;
        if (png.joined.empty()) png.joined = png.pixels;
        png.joined += chunk->data;
        png.pixels = png.joined;
      }
    } else if (chunk->type == "PLTE") {
      has_palette = png.pixels.empty() && chunk->data.size() % 3 == 0 && !chunk->data.empty() && !has_palette;
      if (!has_palette) return false;
    } else if ((chunk->type[0] & 0x20) == 0 && chunk->type != "IEND") {
      return false;  // a critical chunk that is not known
    }
    last_type = chunk->type;
    has_ended = chunk->type == "IEND";
  }
  return !png.pixels.empty() && has_palette >= is_palette;
}

uint8_t paeth(int left, int up, int corner) {
  const int of_left = std::abs(up - corner), of_up = std::abs(left - corner),
            of_corner = std::abs(left + up - 2 * corner);
  return static_cast<uint8_t>(of_left <= of_up && of_left <= of_corner ? left : of_up <= of_corner ? up : corner);
}

// Undoes the filter of one row (PNG specification, section 9); above: the row before it, zeros for the first.
bool undo_filter(int filter, const uint8_t* from, const uint8_t* above, int64_t width, uint8_t* to) {
  int left = 0, corner = 0;
  switch (filter) {
    case 0:
      std::copy_n(from, width, to);
      return true;
    case 1:
      for (int64_t x = 0; x < width; ++x) left = to[x] = static_cast<uint8_t>(from[x] + left);
      return true;
    case 2:
      for (int64_t x = 0; x < width; ++x) to[x] = static_cast<uint8_t>(from[x] + above[x]);
      return true;
    case 3:
      for (int64_t x = 0; x < width; ++x) left = to[x] = static_cast<uint8_t>(from[x] + (left + above[x]) / 2);
      return true;
    case 4:
      for (int64_t x = 0; x < width; ++x) {
        left = to[x] = static_cast<uint8_t>(from[x] + paeth(left, above[x], corner));
        corner = above[x];
      }
      return true;
    default:
      return false;
  }
}

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* one) const { libdeflate_free_decompressor(one); }
};

}  // namespace

bool read_plain_png(std::string_view bytes, LabelMap& labels) {
  PlainPng png;
  if (!parse(bytes, png)) return false;
  const int64_t size = png.height * (png.width + 1);
  if (size / 1100 > static_cast<int64_t>(png.pixels.size())) return false;  // deflate shrinks to a 1032nd at best
  static thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> inflater(
      libdeflate_alloc_decompressor());
  if (!inflater) return false;
  std::vector<uint8_t> rows(static_cast<size_t>(size));
  if (libdeflate_zlib_decompress(inflater.get(), png.pixels.data(), png.pixels.size(), rows.data(), rows.size(),
                                 nullptr) != LIBDEFLATE_SUCCESS)
    return false;
  LabelMap result(png.height, png.width);
  const std::vector<uint8_t> zeros(static_cast<size_t>(png.width));
  const uint8_t* above = zeros.data();
  for (int64_t y = 0; y < png.height; ++y) {
    const uint8_t* row = rows.data() + y * (png.width + 1);
    uint8_t* to = &result.pixels[static_cast<size_t>(y * png.width)];
    if (!undo_filter(row[0], row + 1, above, png.width, to)) return false;
    above = to;
  }
  labels = std::move(result);
  return true;
}

}  // namespace boxseg
