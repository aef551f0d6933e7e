// A label map from the outlines of objects.
#pragma once
#include <vector>

#include "common/data/dataset.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// An object with an outline (AnnotatedBox) and its class; rings in pixels of the upright image.
struct OutlinedObject {
  const AnnotatedBox* box = nullptr;
  int64_t class_id = 0;
};

// Filled as the COCO API does. Of objects that cover one another the smaller one is on top, of equal ones the later;
// crowds are void. Throws bad_input for run lengths of another image.
LabelMap mask_of_outlines(const std::vector<OutlinedObject>& objects, ImageSize size);

}  // namespace boxseg
