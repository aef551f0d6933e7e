// Holds what is known of an image besides its pixels: boxes on the pixel grid, classes, where the background is.
#pragma once
#include <cstdint>
#include <vector>

#include "common/data/boxes.h"

namespace boxseg {

struct Geometry {
  ImageSize size;
  std::vector<PixelBox> boxes;         // in annotation order; of two of one class the later one decides
  std::vector<uint8_t> is_background;  // [H,W], 1 outside all boxes
  std::vector<int64_t> classes;        // the boxes' classes, ascending, without background

  int64_t area() const { return size.height * size.width; }
};

// Follows the authors: is_background comes from the annotation's integers, and `boxes` from a float32 round trip. In
// BoxConvention::reference the two therefore disagree by a line on some boxes.
Geometry make_geometry(const std::vector<Box>& boxes, ImageSize size, BoxConvention convention);

// Labels the pixels by the authors' background cells. The image, padded to a multiple of `grid` (an even amount is
// split, an odd one goes to the bottom or right), is cut into grid x grid cells. Background pixels get the number of
// their cell among those that have any, others -1.
struct BackgroundCells {
  std::vector<int32_t> group_of_pixel;  // [H,W]
  std::vector<int64_t> cell_ids;        // [J] flat ids y * grid + x of the cells with background, ascending
};
BackgroundCells background_cells(const Geometry& geometry, int64_t grid);

}  // namespace boxseg
