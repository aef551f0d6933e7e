// Does the box arithmetic of the authors' code, in float32 and in its order of operations (results on cell and pixel
// boundaries depend on the rounding), and the exact alternative.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

// Returns the same box in edges of pixels from 0 on, whatever its numbers count.
Box in_edges(Box box, BoxNumbers numbers);
// Returns a box of an image, in edges, as it lies in the photograph that the image is a copy of; the same box in an
// image that is none.
Box in_photograph(Box edges, const ImageEntry& image);

// A row of the authors' `bboxes` tensor: (x0, y0, x1, y1), each as x / ((W-1)/2) - 1, and the class. Along a side of
// one pixel, where the authors divide by zero, a box spans -1 to 1.
struct NormalisedBox {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int64_t class_id = 0;
};
std::vector<NormalisedBox> normalise_boxes(const std::vector<Box>& boxes, ImageSize size);

// An integer pixel box of stage 2, half-open [x0,x1) x [y0,y1), clipped to the image as NumPy slicing would. It is
// never empty: where the authors' numbers leave nothing (they raise there: the maximum of nothing), the box is the one
// pixel that holds its corner.
struct PixelBox {
  int64_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int64_t class_id = 0;
};
// Tells which pixels a box's corners name.
enum class BoxConvention {
  // VOC's numbers used as edges from 0 on, through the authors' float32 round trip x/n-1, then *n+n, then truncation
  // (tests/README.md, stage2.h5, 1).
  reference,
  exact,  // [x0-1, x1) of VOC's numbers, fractions rounded outwards
  edges   // [x0, x1) of BoxNumbers::edges, fractions rounded outwards
};
BoxConvention parse_box_convention(const std::string& name);  // reference, exact; throws usage
// What `--box-convention NAME` means for a dataset: the name is of VOC's numbers, edges have one meaning alone.
BoxConvention convention_for(const Dataset& dataset, const std::string& name);
BoxConvention exact_convention(BoxNumbers numbers);
std::vector<PixelBox> pixel_boxes(const std::vector<Box>& boxes, ImageSize size, BoxConvention convention);

// Returns 1 outside all boxes and 0 inside, uint8 [H,W]: the authors' BgMaskfromBoxes, with annotation numbers
// truncated and used as 0-based half-open (not the float round trip above, so the two disagree by a line on some
// boxes). But for `reference` the pixels are those of pixel_boxes().
std::vector<uint8_t> background_mask(const std::vector<Box>& boxes, ImageSize size, BoxConvention convention);

}  // namespace boxseg
