#include "common/io/png_codec.h"

#include <png.h>
#include <zlib.h>

#include <csetjmp>
#include <cstring>
#include <vector>

#include "common/base/error.h"
#include "common/io/image_container.h"

namespace boxseg {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 30;

// libpng reports errors by longjmp. Everything that owns memory therefore lives here, outside the frames that are
// jumped over.
struct Reading {
  std::string_view bytes;
  size_t position = 0;
  std::string error;
  std::vector<png_bytep> rows;
  png_structp png = nullptr;
  png_infop info = nullptr;
  explicit Reading(std::string_view whole) : bytes(whole) {}
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

struct Writing {
  std::string bytes, error;
  std::vector<png_color> colors;
  std::vector<png_bytep> rows;
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~Writing() { png_destroy_write_struct(&png, &info); }
};

template <class Side>
void note_error(png_structp png, png_const_charp message) {
  static_cast<Side*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto& side = *static_cast<Reading*>(png_get_io_ptr(png));
  if (count > side.bytes.size() - side.position) png_error(png, "the file ends early");
  std::memcpy(out, side.bytes.data() + side.position, count);
  side.position += count;
}

void write_bytes(png_structp png, png_bytep data, size_t count) {
  static_cast<Writing*>(png_get_io_ptr(png))->bytes.append(reinterpret_cast<const char*>(data), count);
}

// Reads what stands before the pixels; returns false when libpng refused (see error).
bool read_header(Reading& side) {
  if (setjmp(png_jmpbuf(side.png))) return false;
  png_read_info(side.png, side.info);
  return true;
}

bool read_rows(Reading& side, bool as_rgb) {
  if (setjmp(png_jmpbuf(side.png))) return false;
  if (as_rgb) {
    png_set_strip_16(side.png);
    png_set_palette_to_rgb(side.png);
    png_set_expand_gray_1_2_4_to_8(side.png);
    png_set_gray_to_rgb(side.png);
    png_set_strip_alpha(side.png);
  } else {
    png_set_packing(side.png);  // 1, 2, 4 bits: one index per byte, not scaled
  }
  png_set_interlace_handling(side.png);
  png_read_update_info(side.png, side.info);
  png_read_image(side.png, side.rows.data());
  png_read_end(side.png, nullptr);
  return true;
}

bool write_all(Writing& side, const PngPicture& picture, int level) {
  if (setjmp(png_jmpbuf(side.png))) return false;
  const bool is_palette = picture.channels == 1;
  const int layout = is_palette              ? PNG_COLOR_TYPE_PALETTE
                     : picture.channels == 3 ? PNG_COLOR_TYPE_RGB
                                             : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_compression_level(side.png, level);
  png_set_compression_strategy(side.png, Z_DEFAULT_STRATEGY);
  if (is_palette) {  // indices are long runs of equal values, which no filter of rows makes shorter
    png_set_filter(side.png, 0, PNG_FILTER_NONE);
    png_set_compression_buffer_size(side.png, 1 << 16);
  }
  png_set_IHDR(side.png, side.info, static_cast<png_uint_32>(picture.width), static_cast<png_uint_32>(picture.height),
               8, layout, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (is_palette) png_set_PLTE(side.png, side.info, side.colors.data(), static_cast<int>(side.colors.size()));
  png_write_info(side.png, side.info);
  png_write_image(side.png, side.rows.data());
  png_write_end(side.png, side.info);
  return true;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const Reading& side) {
  fail_input("{}: is damaged ({}); copy or make it again", path.string(), side.error);
}

int64_t height_of(const Reading& side) { return png_get_image_height(side.png, side.info); }
int64_t width_of(const Reading& side) { return png_get_image_width(side.png, side.info); }

// Starts libpng and reads what stands before the pixels.
void open(Reading& side, const std::filesystem::path& path) {
  if (side.bytes.size() < 8 || png_sig_cmp(reinterpret_cast<png_const_bytep>(side.bytes.data()), 0, 8) != 0)
    fail_input("{}: is not a PNG file", path.string());
  side.error = fault_of_image(side.bytes);
  if (!side.error.empty()) refuse(path, side);
  side.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &side, note_error<Reading>, ignore_warning);
  side.info = side.png != nullptr ? png_create_info_struct(side.png) : nullptr;
  ensure(side.info != nullptr, "{}: libpng cannot start", path.string());
  png_set_read_fn(side.png, &side, read_bytes);
#if defined(PNG_IGNORE_ADLER32)                                 // Debian 13's libpng always looks at it
  png_set_option(side.png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);  // chunks have check sums of their own
#endif
  if (!read_header(side)) refuse(path, side);
  // Deflate shrinks to a 1032nd at best: a header that promises more is damaged, and would take all memory.
  const auto most_bytes = static_cast<int64_t>(side.bytes.size()) * 1100;
  if (height_of(side) > most_bytes / static_cast<int64_t>(png_get_rowbytes(side.png, side.info)))
    fail_input("{}: is damaged ({} x {} pixels in {} bytes); copy or make it again", path.string(), height_of(side),
               width_of(side), side.bytes.size());
}

// Decodes into height_of(side) rows of `row_bytes` each.
void decode(Reading& side, const std::filesystem::path& path, uint8_t* pixels, int64_t row_bytes, bool as_rgb) {
  for (int64_t y = 0; y < height_of(side); ++y) side.rows.push_back(pixels + y * row_bytes);
  if (!read_rows(side, as_rgb)) refuse(path, side);
}

PngLayout layout_of(const Reading& side) {
  const int type = png_get_color_type(side.png, side.info);
  return {(type & PNG_COLOR_MASK_COLOR) != 0, type == PNG_COLOR_TYPE_PALETTE, (type & PNG_COLOR_MASK_ALPHA) != 0,
          png_get_bit_depth(side.png, side.info)};
}

}  // namespace

PngLayout read_png_layout(const std::filesystem::path& path, std::string_view bytes) {
  Reading side(bytes);
  open(side, path);
  return layout_of(side);
}

Palette read_png_palette(const std::filesystem::path& path, std::string_view bytes) {
  Reading side(bytes);
  open(side, path);
  png_colorp colours = nullptr;
  int count = 0;
  if (!layout_of(side).is_palette || png_get_PLTE(side.png, side.info, &colours, &count) == 0) return {};
  Palette palette;
  for (int i = 0; i < count; ++i) palette.push_back({colours[i].red, colours[i].green, colours[i].blue});
  return palette;
}

LabelMap decode_png_values(const std::filesystem::path& path, std::string_view bytes) {
  Reading side(bytes);
  open(side, path);
  const PngLayout layout = layout_of(side);
  ensure(layout.has_colour == layout.is_palette && !layout.has_alpha && layout.bits <= 8,
         "{}: has no single value per pixel", path.string());
  LabelMap labels(height_of(side), width_of(side));
  decode(side, path, labels.pixels.data(), labels.width, false);
  return labels;
}

RgbImage decode_png_rgb(const std::filesystem::path& path, std::string_view bytes) {
  Reading side(bytes);
  open(side, path);
  if (height_of(side) > kMostPixels / width_of(side))
    fail_input("{}: has {} x {} pixels, more than the {} that a photograph may have; make it smaller", path.string(),
               height_of(side), width_of(side), kMostPixels);
  RgbImage image(height_of(side), width_of(side));
  decode(side, path, image.pixels.data(), 3 * image.width, true);
  return image;
}

std::string encode_png(const PngPicture& picture, int level) {
  ensure(picture.channels == 1 || picture.channels == 3 || picture.channels == 4,
         "a picture of {} channels cannot be encoded", picture.channels);
  Writing side;
  for (const Color& c : picture.palette) side.colors.push_back({c[0], c[1], c[2]});
  for (int64_t y = 0; y < picture.height; ++y)
    side.rows.push_back(const_cast<png_bytep>(picture.pixels + y * picture.width * picture.channels));
  side.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &side, note_error<Writing>, ignore_warning);
  side.info = side.png != nullptr ? png_create_info_struct(side.png) : nullptr;
  ensure(side.info != nullptr, "libpng cannot start");
  png_set_write_fn(side.png, &side, write_bytes, nullptr);
  if (!write_all(side, picture, level))
    fail("a picture of {} x {} pixels cannot be encoded: libpng: {}", picture.height, picture.width, side.error);
  return std::move(side.bytes);
}

}  // namespace boxseg
