// Boxes in "CVAT for images 1.1", one XML file for all images: the annotations.xml of an export.
#pragma once
#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// All images of the file, those without a shape too, sorted by name; their boxes, polygons and masks in the file's
// order (cvat_shapes.h). CVAT's numbers are edges already. Classes have the order of <labels> in <meta>, of a task, a
// project or a job, where labels of a skeleton's points and of the background are none; without <labels> they are
// sorted. The size of an image is its own width and height, or <original_size> of <meta>, or else 0x0. Attributes of
// shapes are not read.
//
// In `bad_boxes`: shapes that cvat_shapes.h refuses. In `doubts`: shapes of other kinds (cuboids, points, ...), of
// which no box is taken; turned boxes; shapes in groups, each of which is a box of its own; labels that <labels> lacks,
// which come last; elements that are not known.
//
// Throws bad_input, with the place: the file cannot be read, is no XML of this format or "CVAT for video"; it has no
// image; an image has no name, or a size that is none.
BoxAnnotations read_cvat_boxes(const fs::path& file);

}  // namespace boxseg
