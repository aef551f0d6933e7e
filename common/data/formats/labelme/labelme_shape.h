// One entry of the list 'shapes' of a LabelMe file.
#pragma once
#include <optional>
#include <string>

#include "common/data/formats/box_annotations.h"
#include "common/data/formats/coco/coco_json.h"
#include "common/data/formats/entry_doubts.h"

namespace boxseg {

struct LabelmeShape {
  AnnotatedBox box;
  std::string group;  // the shape's 'group_id' as JSON; "" where it has none
};

// Points are edges of pixels. A rectangle has two opposite corners, or four as newer versions write; a polygon (also a
// shape without 'shape_type', as old versions write) is a ring, and its box what it spans; so is a rectangle that was
// turned ("rotation" of AnyLabeling, "oriented_rectangle"). A mask's box is that of its two points, and its pixels are
// not read. What is guessed is told in doubts, under the `order` of the file.
//
// Nullopt, with a doubt, for labels of the background and of void (no_class.h). Throws bad_input with the place: no
// label, points that are no pairs of finite numbers, too few or too many of them, and shapes without a box: circles,
// points and lines.
std::optional<LabelmeShape> read_labelme_shape(const CocoEntry& shape, size_t order, EntryDoubts& doubts);

}  // namespace boxseg
