// The boxes of an image and the two label maps that a folder of stage 2 holds of it: what exports and reviews start
// from.
#pragma once
#include <cstdint>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "common/labels/box_masks.h"

namespace boxseg {

// Reads the label map of an image. Throws bad_input where it is damaged or of another size.
LabelMap read_labels_of(const fs::path& path, const ImageEntry& image);
// Reads Y_ret of an image from a folder of stage 2; the map is empty where none was made.
LabelMap read_y_ret(const fs::path& folder, const ImageEntry& image);

struct LabelledBoxes {
  std::vector<PixelBox> boxes;  // that own pixels, one for each mask
  std::vector<int32_t> owners;  // [H,W]: the box of each pixel of Y_crf, as in owners_of_pixels()
  std::vector<BoxMask> masks;   // of each box
};

// Of the image's boxes, in pixels exactly as annotated. A crowd's is empty, so that it takes no pixel from other boxes.
// `numbers`: Dataset::box_numbers.
LabelledBoxes labelled_boxes(const ImageEntry& image, BoxNumbers numbers, const LabelMap& y_crf, const LabelMap& y_ret);
// Of boxes_of_classes(): each class has one mask, which is measured over the whole image.
LabelledBoxes labelled_classes(int64_t classes, const LabelMap& y_crf, const LabelMap& y_ret);

}  // namespace boxseg
