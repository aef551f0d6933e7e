// Decodes photographs that neither TurboJPEG nor libpng reads: BMP, TIFF, WebP, JPEGs in CMYK. A library of ours hands
// them to OpenCV (common/io/codecs). It is loaded with the first such photograph, since eighty others come with it, and
// a program that meets none does without them.
#pragma once
#include <filesystem>
#include <string_view>

#include "common/io/image.h"

namespace boxseg {

// Throws bad_input with the file's name where it is not an image, damaged or too large, or where the library cannot be
// loaded.
RgbImage decode_unusual_image(const std::filesystem::path& path, std::string_view bytes);

}  // namespace boxseg
