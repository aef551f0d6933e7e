// The shapes that CVAT draws in an image, as boxes with outlines.
#pragma once
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "common/data/formats/box_annotations.h"

namespace boxseg {

// Whether read_cvat_shape() reads elements of this name: "box", "polygon", "mask".
bool is_cvat_box(std::string_view element);

// The box of a shape, with its class and outline; `place` stays empty. `image`: its size, for masks. `where`: "FILE:
// image 'a.jpg': box 2", for messages.
//
// <box>: its edges; one that was turned is the box around the turned rectangle, which is its ring. <polygon>: the box
// around its points, which are its ring. <mask>: its rectangle, and its pixels as run lengths of the whole image,
// column by column (CVAT has them row by row within the rectangle).
//
// Throws bad_input: no label; numbers that are none; a box that is inverted or has no area; a polygon of fewer than
// three points; a mask that does not fill its rectangle, has no pixel, or reaches beyond its image.
AnnotatedBox read_cvat_shape(const pugi::xml_node& shape, ImageSize image, const std::string& where);

// Whether the shape is a <box> that was turned after it was drawn.
bool is_turned_cvat_box(const pugi::xml_node& shape);

}  // namespace boxseg
