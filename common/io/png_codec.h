// Reads and writes PNGs in memory by libpng, for label maps, photographs and pictures alike.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "common/io/image.h"
#include "common/io/label_png.h"

namespace boxseg {

// Says how a PNG holds its values, before they are decoded.
struct PngLayout {
  bool has_colour = false, is_palette = false, has_alpha = false;
  int bits = 0;  // per channel: 1, 2, 4, 8 or 16
};

// All four throw bad_input with the file's name, where the bytes are no PNG, are damaged, or promise more pixels than
// so many bytes can hold.
PngLayout read_png_layout(const std::filesystem::path& path, std::string_view bytes);
// Returns the colours of a palette PNG, as many as the file has; none for other layouts.
Palette read_png_palette(const std::filesystem::path& path, std::string_view bytes);
// Returns the indices into the palette, or the grey levels as they are stored. The layout must be one of these, with at
// most 8 bits.
LabelMap decode_png_values(const std::filesystem::path& path, std::string_view bytes);
// Decodes any layout as OpenCV's IMREAD_COLOR does: alpha is dropped, of 16 bits the upper 8 count, fewer bits of grey
// are scaled to 0..255; gamma and colour profiles are not applied. The picture may have at most 2^30 pixels (OpenCV's
// limit).
RgbImage decode_png_rgb(const std::filesystem::path& path, std::string_view bytes);

struct PngPicture {
  int64_t height = 0, width = 0;
  int channels = 3;                 // 1: indices into the palette, 3: RGB, 4: RGBA
  const uint8_t* pixels = nullptr;  // [H,W,channels]
  std::span<const Color> palette = {};
};

// Encodes a picture; `level` is zlib's, 1 to 9. Equal pictures give equal bytes; those of RGB and RGBA are OpenCV's at
// the same level.
std::string encode_png(const PngPicture& picture, int level);

}  // namespace boxseg
