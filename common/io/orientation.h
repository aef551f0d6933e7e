// Tells how a picture has to be turned to stand upright. Cameras store what the sensor sees and note in EXIF how they
// were held; viewers and tools for drawing boxes turn the picture, so boxes and masks are those of the upright one.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/image.h"

namespace boxseg {

// The values are those of EXIF's tag 0x0112. Names say what is to be done with the stored picture to have the upright
// one.
enum class Orientation : uint8_t {
  upright = 1,
  mirror_horizontally,  // left and right change places
  turn_by_180,
  mirror_vertically,
  transpose,  // rows become columns
  turn_clockwise,
  transverse,  // transpose, then turn by 180 degrees
  turn_anticlockwise
};

// Returns "" unless one size is the other with height and width exchanged; then what may be the reason, worded to end a
// message.
std::string reason_of_exchanged_sides(ImageSize a, ImageSize b);

inline bool swaps_sides(Orientation orientation) { return orientation >= Orientation::transpose; }

// Reads the TIFF structure that EXIF consists of, with or without "Exif\0\0" before it. The result is upright where
// EXIF says nothing, or nothing that it allows.
Orientation orientation_of_exif(std::string_view exif);
bool is_tiff(std::string_view file);
size_t pages_of_tiff(std::string_view file);  // 1 at least

ImageSize upright(ImageSize size, Orientation orientation);
RgbImage upright(RgbImage image, Orientation orientation);
LabelMap upright(LabelMap labels, Orientation orientation);

}  // namespace boxseg
