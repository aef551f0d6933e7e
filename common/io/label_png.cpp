#include "common/io/label_png.h"

#include <utility>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/io/image_container.h"
#include "common/io/plain_png.h"
#include "common/io/png_codec.h"

namespace boxseg {
namespace {

void check_layout(const PngLayout& layout, const std::filesystem::path& path) {
  const bool has_colours = layout.has_colour && !layout.is_palette;
  if (has_colours || layout.has_alpha)
    fail_input("{}: {}, expected class ids (an 8-bit palette or grey PNG); save it as the label map, not as a picture",
               path.string(), has_colours ? "has 3 colour channels" : "has an alpha channel");
  if (layout.bits == 16)
    fail_input("{}: has 16 bits per pixel, expected class ids of 8 bits; save it with 8", path.string());
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
  const std::string bytes = read_file(path);
  LabelMap labels;
  if (!read_plain_png(bytes, labels)) {
    check_layout(read_png_layout(path, bytes), path);
    labels = decode_png_values(path, bytes);
  }
  return upright(std::move(labels), orientation_of_image(bytes));
}

std::string label_png_bytes(const LabelMap& labels, const Palette& palette) {
  ensure(!palette.empty() && palette.size() <= 256, "a palette of {} colours, expected 1 to 256", palette.size());
  Palette colors = palette;  // every index needs a colour, 255 too
  colors.insert(colors.end(), voc_palette().begin() + static_cast<int64_t>(palette.size()), voc_palette().end());
  constexpr int kLevel = 2;  // label maps are long runs of equal values: the quickest levels lose little size
  return encode_png({labels.height, labels.width, 1, labels.pixels.data(), colors}, kLevel);
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
