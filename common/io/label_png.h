// Reads and writes label PNGs, 8-bit palette images whose index is the class id. They go through libpng, since OpenCV
// would turn them into 3 colours.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/io/image.h"

namespace boxseg {

inline constexpr uint8_t kVoid = 255;  // the value of pixels that have no class: in a truth mask they are not counted

using Color = std::array<uint8_t, 3>;  // RGB
using Palette = std::vector<Color>;    // by class id, at most 256

// Returns the 256 colours of PASCAL VOC: bits of the index are spread over the three channels; 255 is cream.
const Palette& voc_palette();

// Reads 8-bit (or 1, 2, 4-bit) palette and grey PNGs without alpha; the value is the index or grey level, and the map
// is turned upright where the file has EXIF that asks for it. Throws bad_input for anything else (RGB: "has 3 colour
// channels, expected class ids") and damaged files.
LabelMap read_label_png(const std::filesystem::path& path);

// Equal pixels and palette give equal bytes. The writer is atomic.
std::string label_png_bytes(const LabelMap& labels, const Palette& palette = voc_palette());
void write_label_png(const std::filesystem::path& path, const LabelMap& labels, const Palette& palette = voc_palette());

std::string digest_of_labels(const LabelMap& labels);  // digest of size and pixels, not of the PNG's bytes

}  // namespace boxseg
