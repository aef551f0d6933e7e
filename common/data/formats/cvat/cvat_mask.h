// The pixels of a mask that was painted in CVAT.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/image.h"

namespace boxseg {

struct CvatMask {
  int64_t left = 0, top = 0, width = 0, height = 0;  // the rectangle in the image, in pixels
  std::string_view runs;                             // "2, 3, 1": lengths row by row, of zeros first, then of ones, ...
};

// The mask in COCO's run lengths: column by column over the whole image, of zeros first; their sum is its area.
// Throws bad_input with `where`: an image without a size (0 x 0), or of 2^32 pixels or more; a rectangle that is empty
// or not within it; lengths that are no numbers, or whose sum is not the rectangle's area; a mask without a pixel.
std::vector<uint32_t> column_runs(const CvatMask& mask, ImageSize image, const std::string& where);

}  // namespace boxseg
