// The field 'segmentation' of a COCO annotation as an outline: kept as it stands, not drawn.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common/data/formats/coco/coco_json.h"
#include "common/data/formats/coco/coco_mask.h"
#include "common/io/image.h"

namespace boxseg {

struct CocoOutline {
  std::vector<std::vector<double>> rings;  // polygons x, y, x, y, ... of three points or more
  RunLengths mask;                         // or run lengths; else without runs
  // Where there is a segmentation of which nothing, or not all, can be used: why, to follow "annotations[7]".
  std::string trouble;

  // Its left, top, right and bottom edges; nullopt where there is no outline, or none with a pixel in it.
  std::optional<std::array<double, 4>> edges() const;
};

// No segmentation, null, [], [[]] and {} are no outline, and no trouble. Polygons are lists of numbers in a list, as
// COCO has them; run lengths must be of `image`, unless that has no size (0 x 0). An outline in trouble is left out as
// a whole, but for polygons of fewer than three points beside whole ones. Throws nothing: a box needs no outline.
CocoOutline outline_in(const CocoEntry& annotation, ImageSize image);

// The edges around a ring of at least one point: left, top, right, bottom.
std::array<double, 4> edges_of(const std::vector<double>& ring);

}  // namespace boxseg
