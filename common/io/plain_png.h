// Reads quickly the PNGs that label maps usually are: 8 bits of grey or palette, not interlaced, undamaged. libdeflate
// inflates a whole file at once, in less than half of zlib's time; whatever else a file may be is left to libpng.
#pragma once
#include <string_view>

#include "common/io/label_png.h"

namespace boxseg {

// Returns false for any other file and leaves `labels` as they were; then libpng reads it, or says what is wrong.
bool read_plain_png(std::string_view bytes, LabelMap& labels);

}  // namespace boxseg
