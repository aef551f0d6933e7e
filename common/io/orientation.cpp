#include "common/io/orientation.h"

#include <algorithm>
#include <utility>

namespace boxseg {
namespace {

// Reads TIFF's numbers in the byte order that its first two bytes name; beyond the end they are 0.
struct TiffBytes {
  std::string_view bytes;
  bool is_big_endian;
  uint32_t number(size_t at, size_t count) const {
    if (at > bytes.size() || count > bytes.size() - at) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i)
      value = value << 8 | static_cast<uint8_t>(bytes[is_big_endian ? at + i : at + count - 1 - i]);
    return value;
  }
};

bool is_big_endian_tiff(std::string_view file) { return file.starts_with(std::string_view("MM\0*", 4)); }
constexpr size_t kEntry = 12;  // bytes of a directory's entry: tag, type, count, value

// Names the pixel of the stored picture (h x w) that stands at row y, column x of the upright one.
struct Pixel {
  int64_t y, x;
};

Pixel stored_at(Orientation orientation, int64_t y, int64_t x, int64_t h, int64_t w) {
  switch (orientation) {
    case Orientation::mirror_horizontally:
      return {y, w - 1 - x};
    case Orientation::turn_by_180:
      return {h - 1 - y, w - 1 - x};
    case Orientation::mirror_vertically:
      return {h - 1 - y, x};
    case Orientation::transpose:
      return {x, y};
    case Orientation::turn_clockwise:
      return {h - 1 - x, y};
    case Orientation::transverse:
      return {h - 1 - x, w - 1 - y};
    case Orientation::turn_anticlockwise:
      return {x, w - 1 - y};
    default:
      return {y, x};
  }
}

template <int channels, class Picture>
Picture turned(Picture stored, Orientation orientation) {
  if (orientation == Orientation::upright) return stored;
  const ImageSize size = upright(ImageSize{stored.height, stored.width}, orientation);
  Picture picture(size.height, size.width);
  uint8_t* out = picture.pixels.data();
  for (int64_t y = 0; y < size.height; ++y)
    for (int64_t x = 0; x < size.width; ++x) {
      const Pixel from = stored_at(orientation, y, x, stored.height, stored.width);
      out = std::copy_n(stored.pixels.data() + (from.y * stored.width + from.x) * channels, channels, out);
    }
  return picture;
}

}  // namespace

bool is_tiff(std::string_view file) {
  return is_big_endian_tiff(file) || file.starts_with(std::string_view("II*\0", 4));
}

size_t pages_of_tiff(std::string_view file) {
  const TiffBytes tiff{file, is_big_endian_tiff(file)};
  size_t pages = 0;
  // Each directory names the next one. The count is bounded, since a damaged file may lead in a circle.
  for (size_t directory = tiff.number(4, 4); directory != 0 && pages < file.size() / kEntry; ++pages)
    directory = tiff.number(directory + 2 + kEntry * tiff.number(directory, 2), 4);
  return std::max<size_t>(pages, 1);
}

Orientation orientation_of_exif(std::string_view exif) {
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  if (exif.starts_with(kPrefix)) exif.remove_prefix(kPrefix.size());
  if (!is_tiff(exif)) return Orientation::upright;
  const TiffBytes tiff{exif, is_big_endian_tiff(exif)};
  constexpr uint32_t kOrientation = 0x0112, kShort = 3;
  const size_t directory = tiff.number(4, 4);
  const uint32_t entries = tiff.number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + i * kEntry;
    if (tiff.number(at, 2) != kOrientation) continue;
    const uint32_t value = tiff.number(at + 8, tiff.number(at + 2, 2) == kShort ? 2 : 4);
    return value >= 1 && value <= 8 ? static_cast<Orientation>(value) : Orientation::upright;
  }
  return Orientation::upright;
}

std::string reason_of_exchanged_sides(ImageSize a, ImageSize b) {
  if (a.height != b.width || a.width != b.height || a == b) return "";
  return " (width and height are exchanged: photographs are turned upright as their EXIF orientation says, so boxes "
         "and masks have to be those of the upright one; save the photograph turned, without the EXIF, or turn the "
         "others)";
}

ImageSize upright(ImageSize size, Orientation orientation) {
  if (swaps_sides(orientation)) std::swap(size.height, size.width);
  return size;
}

RgbImage upright(RgbImage image, Orientation orientation) { return turned<3>(std::move(image), orientation); }
LabelMap upright(LabelMap labels, Orientation orientation) { return turned<1>(std::move(labels), orientation); }

}  // namespace boxseg
