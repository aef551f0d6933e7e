// Measures the mask of each box by itself. Where boxes are given, the IoU of classes flatters: much of the background
// lies outside all boxes, and large objects decide.
#pragma once
#include <vector>

#include "common/data/dataset.h"
#include "common/io/image.h"

namespace boxseg {

// The intersection over union of what each box owns in the two maps, 0 to 1, in the order of the image's boxes. A box
// owns the pixels of its class within it, shared ones go to the smaller box (common/labels/box_masks.h); pixels whose
// truth is void count in neither map. Left out are crowds, which own nothing, and boxes that own nothing in both maps,
// as one whose object is void. Both maps are [H,W] of the image. `numbers`: Dataset::box_numbers, whose exact pixels
// are a box's.
std::vector<double> box_ious(const LabelMap& truth, const LabelMap& prediction, const ImageEntry& image,
                             BoxNumbers numbers);

// In percent; NaN without boxes.
struct BoxScores {
  double mean_iou = 0;
  double over_80 = 0;  // share of the boxes whose IoU is over 0.8
};
BoxScores scores_of_boxes(const std::vector<double>& ious);

}  // namespace boxseg
