// One entry of the list 'annotations' of a COCO file.
#pragma once
#include "common/data/formats/box_annotations.h"
#include "common/data/formats/coco/coco_json.h"
#include "common/data/formats/entry_doubts.h"

namespace boxseg {

// Kinds of doubts that a single box may raise by chance: the reader tells them only where many boxes do.
inline constexpr const char* kBeyondImage = "box beyond image";     // x, y, x, y instead of x, y, width, height?
inline constexpr const char* kShareOfImage = "box within a pixel";  // shares of the image instead of pixels?
inline constexpr const char* kOtherThanOutline = "box other than outline";

// The box with its outline, id and flags, without the name of its class. 'bbox' is x, y, width, height in edges. Where
// it is missing, null or [], the box is what 'segmentation' spans, and a doubt says so. 'iscrowd' may be a number or
// true and false, and is 0 where it is missing; 'ignore' and 'difficult' make a box difficult. `image`: the size of its
// image, or 0 x 0. Throws bad_input with the place for a box that is none: not four finite numbers of pixels, a
// negative side, neither 'bbox' nor 'segmentation'. An outline that cannot be used is left out, with a doubt.
AnnotatedBox read_coco_annotation(const CocoEntry& entry, ImageSize image, EntryDoubts& doubts);

}  // namespace boxseg
