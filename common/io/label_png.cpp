#include "common/io/label_png.h"

#include <png.h>

#include <csetjmp>
#include <cstring>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/io/plain_png.h"

namespace boxseg {
namespace {

// libpng reports errors by longjmp. Everything that owns memory therefore lives here, outside the frames that are
// jumped over.
struct PngRead {
  std::string bytes;
  size_t position = 0;
  std::string error;
  LabelMap labels;
  std::vector<png_bytep> rows;
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~PngRead() { png_destroy_read_struct(&png, &info, nullptr); }
};

struct PngWrite {
  std::string bytes, error;
  std::vector<png_color> colors;
  std::vector<png_bytep> rows;
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~PngWrite() { png_destroy_write_struct(&png, &info); }
};

template <class Side>
void note_error(png_structp png, png_const_charp message) {
  static_cast<Side*>(png_get_error_ptr(png))->error = message;
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto& side = *static_cast<PngRead*>(png_get_io_ptr(png));
  if (count > side.bytes.size() - side.position) png_error(png, "the file ends early");
  std::memcpy(out, side.bytes.data() + side.position, count);
  side.position += count;
}

void write_bytes(png_structp png, png_bytep data, size_t count) {
  static_cast<PngWrite*>(png_get_io_ptr(png))->bytes.append(reinterpret_cast<const char*>(data), count);
}

// Up to the size; false when libpng refused (see error).
bool read_header(PngRead& side) {
  if (setjmp(png_jmpbuf(side.png))) return false;
  png_read_info(side.png, side.info);
  return true;
}

bool read_rows(PngRead& side) {
  if (setjmp(png_jmpbuf(side.png))) return false;
  png_set_packing(side.png);  // 1, 2, 4 bits: one index per byte, not scaled
  png_set_interlace_handling(side.png);
  png_read_update_info(side.png, side.info);
  png_read_image(side.png, side.rows.data());
  png_read_end(side.png, nullptr);
  return true;
}

bool write_all(PngWrite& side, png_uint_32 height, png_uint_32 width) {
  if (setjmp(png_jmpbuf(side.png))) return false;
  // Label maps are long runs of equal values: no row filter and the quickest level lose little size.
  png_set_compression_level(side.png, 2);
  png_set_filter(side.png, 0, PNG_FILTER_NONE);
  png_set_compression_buffer_size(side.png, 1 << 16);
  png_set_IHDR(side.png, side.info, width, height, 8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(side.png, side.info, side.colors.data(), static_cast<int>(side.colors.size()));
  png_write_info(side.png, side.info);
  png_write_image(side.png, side.rows.data());
  png_write_end(side.png, side.info);
  return true;
}

void check_layout(const PngRead& side, const std::filesystem::path& path) {
  const int color = png_get_color_type(side.png, side.info), depth = png_get_bit_depth(side.png, side.info);
  if (color != PNG_COLOR_TYPE_PALETTE && color != PNG_COLOR_TYPE_GRAY) {
    const char* what = (color & PNG_COLOR_MASK_COLOR) ? "has 3 colour channels" : "has an alpha channel";
    fail_input("{}: {}, expected class ids (an 8-bit palette or grey PNG); save it as the label map, not as a picture",
               path.string(), what);
  }
  if (depth == 16) fail_input("{}: has 16 bits per pixel, expected class ids of 8 bits", path.string());
}

}  // namespace

const Palette& voc_palette() {
  static const Palette palette = [] {
    Palette colors(256);
    for (unsigned id = 0; id < 256; ++id)
      for (unsigned bit = 0; bit < 8; ++bit)  // bit 3k+c of the id is bit 7-k of channel c
        colors[id][bit % 3] = static_cast<uint8_t>(colors[id][bit % 3] | ((id >> bit & 1) << (7 - bit / 3)));
    return colors;
  }();
  return palette;
}

LabelMap read_label_png(const std::filesystem::path& path) {
  PngRead side;
  side.bytes = read_file(path);
  if (read_plain_png(side.bytes, side.labels)) return std::move(side.labels);
  if (side.bytes.size() < 8 || png_sig_cmp(reinterpret_cast<png_const_bytep>(side.bytes.data()), 0, 8) != 0)
    fail_input("{}: is not a PNG file, expected a label map", path.string());
  side.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &side, note_error<PngRead>, ignore_warning);
  side.info = side.png != nullptr ? png_create_info_struct(side.png) : nullptr;
  ensure(side.info != nullptr, "{}: libpng cannot start", path.string());
  png_set_read_fn(side.png, &side, read_bytes);
  png_set_option(side.png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);  // chunks have check sums of their own
  const auto refuse = [&] { fail_input("{}: is damaged ({}); make it again", path.string(), side.error); };
  if (!read_header(side)) refuse();
  check_layout(side, path);

  const auto height = static_cast<int64_t>(png_get_image_height(side.png, side.info));
  const auto width = static_cast<int64_t>(png_get_image_width(side.png, side.info));
  // Deflate shrinks to a 1032nd at best: a header that promises more is damaged, and would take all memory.
  const auto most_pixels = static_cast<int64_t>(side.bytes.size()) * 1100 * 8;
  if (height > most_pixels / width)
    fail_input("{}: is damaged ({} x {} pixels in {} bytes); make it again", path.string(), height, width,
               side.bytes.size());
  side.labels = LabelMap(height, width);
  for (int64_t y = 0; y < height; ++y) side.rows.push_back(&side.labels.at(y, 0));
  if (!read_rows(side)) refuse();
  return std::move(side.labels);
}

std::string label_png_bytes(const LabelMap& labels, const Palette& palette) {
  ensure(labels.height > 0 && labels.width > 0, "a label map of {} x {} pixels", labels.height, labels.width);
  ensure(!palette.empty() && palette.size() <= 256, "a palette of {} colours, expected 1 to 256", palette.size());
  PngWrite side;
  for (const Color& c : palette) side.colors.push_back({c[0], c[1], c[2]});
  // Every index needs a colour, 255 too.
  for (size_t id = palette.size(); id < 256; ++id)
    side.colors.push_back({voc_palette()[id][0], voc_palette()[id][1], voc_palette()[id][2]});
  for (int64_t y = 0; y < labels.height; ++y)
    side.rows.push_back(const_cast<png_bytep>(&labels.pixels[static_cast<size_t>(y * labels.width)]));
  side.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &side, note_error<PngWrite>, ignore_warning);
  side.info = side.png != nullptr ? png_create_info_struct(side.png) : nullptr;
  ensure(side.info != nullptr, "libpng cannot start");
  png_set_write_fn(side.png, &side, write_bytes, nullptr);
  if (!write_all(side, static_cast<png_uint_32>(labels.height), static_cast<png_uint_32>(labels.width)))
    fail("a label map of {} x {} pixels: libpng: {}", labels.height, labels.width, side.error);
  return std::move(side.bytes);
}

void write_label_png(const std::filesystem::path& path, const LabelMap& labels, const Palette& palette) {
  write_file(path, label_png_bytes(labels, palette));
}

std::string digest_of_labels(const LabelMap& labels) {
  Hasher hasher;
  hasher.text("labels").number(labels.height).number(labels.width).bytes(labels.pixels.data(), labels.pixels.size());
  return hasher.digest();
}

}  // namespace boxseg
