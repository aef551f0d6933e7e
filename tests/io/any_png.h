// Writes PNGs of any layout, also such as our own writer does not make.
#pragma once
#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace boxseg::test {

// Writes a PNG of any layout through libpng's plain C interface. `rows` holds packed bytes.
inline void write_png(const std::filesystem::path& path, int64_t height, int64_t width, int depth, int color,
                      bool is_interlaced, std::vector<uint8_t> packed, bool has_transparency = false,
                      int filters = PNG_NO_FILTERS) {
  FILE* file = std::fopen(path.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), depth, color,
               is_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> colors(size_t{1} << std::min(depth, 8));
  for (size_t i = 0; i < colors.size(); ++i)
    colors[i] = {static_cast<png_byte>(7 * i), static_cast<png_byte>(255 - i), static_cast<png_byte>(i * i)};
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
  const std::vector<png_byte> alpha = {0, 100};      // alpha of the first two colours
  const png_color_16 see_through = {0, 1, 2, 3, 1};  // the transparent colour of an image without a palette
  if (has_transparency) png_set_tRNS(png, info, alpha.data(), 2, &see_through);
  if (filters != PNG_NO_FILTERS) png_set_filter(png, PNG_FILTER_TYPE_BASE, filters);
  png_set_compression_buffer_size(png, 500);  // large ones have several chunks of pixels
  png_write_info(png, info);
  const size_t row_bytes = packed.size() / static_cast<size_t>(height);
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < height; ++y) rows.push_back(packed.data() + static_cast<size_t>(y) * row_bytes);
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

// Returns a file whose header says that it has so many rows and columns; the check sum of the header fits.
inline std::string with_promised_side(std::string png, uint32_t side) {
  for (size_t i = 0; i < 4; ++i) png[16 + i] = png[20 + i] = static_cast<char>(side >> (24 - 8 * i));
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17);
  for (size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
  return png;
}

}  // namespace boxseg::test
