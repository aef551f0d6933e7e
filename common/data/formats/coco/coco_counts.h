// COCO's masks in an annotation or a detection: {"size": [height, width], "counts": a list or a compressed text}.
#pragma once
#include "common/data/formats/coco/coco_json.h"
#include "common/data/formats/coco/coco_mask.h"

namespace boxseg {

// The mask in the object 'segmentation' of an entry; its place is that of the entry. Run lengths must fill the size,
// though pycocotools would go on without an answer, or for ever. Throws bad_input with the place where they do not, and
// for what is no size or no run lengths.
RunLengths mask_of_counts(const CocoEntry& segmentation);

// Whether a run between the first and the last one has no pixel: the mask is clear, but COCOeval compares it wrongly.
bool has_empty_run(const RunLengths& mask);

}  // namespace boxseg
