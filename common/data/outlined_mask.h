// A label map from the outlines of objects.
#pragma once
#include <vector>

#include "common/data/dataset.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// An object with an outline (AnnotatedBox) and its class; rings in pixels of the upright photograph.
struct OutlinedObject {
  const AnnotatedBox* box = nullptr;
  int64_t class_id = 0;
};

// Filled as the COCO API does. Of objects that cover one another the smaller one is on top, of equal ones the later;
// crowds are void. The map has the size of a copy of the photograph, or of the photograph itself: rings are scaled, and
// of run lengths a pixel takes what lies at its middle. Throws bad_input for run lengths of another photograph.
LabelMap mask_of_outlines(const std::vector<OutlinedObject>& objects, ImageSize photo, ImageSize size);

}  // namespace boxseg
