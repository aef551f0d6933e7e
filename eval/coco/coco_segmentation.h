// Reads the field 'segmentation' of an annotation or a detection.
#pragma once
#include "eval/coco/coco_files.h"
#include "eval/coco/coco_remarks.h"

namespace boxseg {

// Returns the mask of an entry of `image`: polygons, or run lengths as a list or a text, which need no size of the
// image. Throws bad_input with the place. Polygons are read as COCO.annToRLE() does: the first one has three points or
// more, and those after it that have fewer add nothing. Run lengths must fill their 'size', though pycocotools would go
// on without an answer, or for ever.
RunLengths mask_in(const CocoEntry& entry, const CocoTruth::Image& image, CocoRemarks& remarks);

// Returns the mask of a box, for a detection that has no other.
RunLengths mask_of_box(const CocoBox& box, const CocoEntry& entry, const CocoTruth::Image& image);

}  // namespace boxseg
