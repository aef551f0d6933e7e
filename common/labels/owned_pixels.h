// The pixels that one box owns of a label map, cut out of the image, and as COCO's run lengths.
#pragma once
#include <cstdint>
#include <vector>

#include "common/data/boxes.h"
#include "common/data/formats/coco/coco_mask.h"

namespace boxseg {

struct OwnedPixels {
  int64_t x0 = 0, y0 = 0, height = 0, width = 0;  // of the window, which is the box
  std::vector<uint8_t> is_owned;                  // [height, width], 0 or 1
};

// `owners`: owners_of_pixels() (box_masks.h) of an image of `size`; `number`: of the box among those.
OwnedPixels owned_pixels(const std::vector<int32_t>& owners, ImageSize size, size_t number, const PixelBox& box);

// The mask over an image of size `to`. Where that is another than the label map's size `of`, each pixel of the mask is
// that of the label map in which its centre lies. Throws bad_input where the image has 2^32 pixels or more, which run
// lengths cannot count.
RunLengths mask_of_owned(const OwnedPixels& owned, ImageSize of, ImageSize to);

}  // namespace boxseg
