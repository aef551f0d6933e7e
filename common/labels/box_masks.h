// Which pixels of a label map belong to which box, and what that says of the box's mask.
#pragma once
#include <cstdint>
#include <vector>

#include "common/data/boxes.h"
#include "common/io/image.h"

namespace boxseg {

// The box of each pixel, [H,W]: its index, or -1. A box owns the pixels of its class that lie inside it; pixels that
// several boxes of a class could own go to the smallest of these, of equal ones to the last.
std::vector<int32_t> owners_of_pixels(const LabelMap& labels, const std::vector<PixelBox>& boxes);

// One box for each class in the map, around all its pixels, in order of class: what `per_class` has in place of the
// annotated boxes. Background and values from `classes` on, void among them, have none.
std::vector<PixelBox> boxes_of_classes(const LabelMap& labels, int64_t classes);

// What the two label maps say about the mask of one box.
struct BoxMask {
  int64_t pixels = 0;      // that the box owns in Y_crf
  int64_t box_pixels = 0;  // of the box
  int64_t in_both = 0;     // that it owns in Y_crf and in Y_ret
  int64_t in_either = 0;   // that it owns in one of them, or in both
  int sides_touched = 0;   // of the box, 0 to 4: where the mask comes within a fiftieth of it
  double filled() const;   // share of the box that is mask
  double disagreement()
      const;  // 1 - intersection over union of the box's pixels in the two maps; 0 where there are none
};

// One for each box. `y_ret` may be empty, as where labels were made without features: then nothing disagrees.
// `owners`: owners_of_pixels() of y_crf.
std::vector<BoxMask> measure_box_masks(const LabelMap& y_crf, const std::vector<int32_t>& owners, const LabelMap& y_ret,
                                       const std::vector<PixelBox>& boxes);

}  // namespace boxseg
