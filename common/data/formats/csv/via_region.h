// What the VGG Image Annotator (VIA 1 and 2) writes into a field of its CSV: JSON, for a shape and for its attributes.
#pragma once
#include <string>

#include "common/data/formats/box_annotations.h"
#include "common/data/formats/box_checks.h"

namespace boxseg {

// Whether a field of shapes has none: "", "{}". The image has no region, or none was drawn yet.
bool is_empty_via_shape(const std::string& json);

// Sets the corners of the box, and for polygons its ring: {"name":"rect","x":1,"y":2,"width":3,"height":4}, "polygon"
// with all_points_x and all_points_y, "circle" with cx, cy and r, "ellipse" with cx, cy, rx, ry and theta. Circles and
// ellipses are added to `round`: of them only the box around is taken. Throws bad_input with `where`: other shapes
// (points, lines have no area), numbers that lack or are none, no JSON.
void read_via_shape(const std::string& json, const std::string& where, AnnotatedBox& box, Tally& round);

struct ViaClass {
  std::string attribute;  // "class", in {"class":"cat"}
  std::string name;       // "cat"; of checkboxes, {"class":{"cat":true}}, the one that is set
};
// The class among the attributes: by the names that columns of classes have (csv_columns.h), or the only attribute.
// Throws bad_input with `where`: none, several of which none is so called, no value, several values.
ViaClass read_via_class(const std::string& json, const std::string& where);

}  // namespace boxseg
