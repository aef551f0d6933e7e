#include "common/data/outlined_mask.h"

#include <algorithm>
#include <numeric>

#include "common/base/error.h"
#include "common/data/formats/coco/coco_mask.h"
#include "common/io/label_png.h"
#include "common/io/resized.h"

namespace boxseg {
namespace {

using Rings = std::vector<std::vector<double>>;

Rings scaled(Rings rings, ImageSize from, ImageSize to) {
  const double x = static_cast<double>(to.width) / static_cast<double>(from.width),
               y = static_cast<double>(to.height) / static_cast<double>(from.height);
  for (auto& ring : rings)
    for (size_t i = 0; i + 1 < ring.size(); i += 2) ring[i] *= x, ring[i + 1] *= y;
  return rings;
}

// Each pixel of the copy takes what lies at its middle. These places follow one another as runs do, column by column,
// so that one pass over the runs meets them all.
RunLengths reduced(const std::vector<uint32_t>& runs, ImageSize photo, ImageSize size) {
  RunLengths small{size.height, size.width, {0}};
  size_t run = 0;
  int64_t end = runs.at(0);
  for (int64_t x = 0; x < size.width; ++x)
    for (int64_t y = 0; y < size.height; ++y) {
      const int64_t at =
          nearest_source(x, photo.width, size.width) * photo.height + nearest_source(y, photo.height, size.height);
      while (at >= end) end += runs.at(++run);
      const bool is_object = run % 2 == 1, is_in_object = small.runs.size() % 2 == 0;
      if (is_object != is_in_object) small.runs.push_back(0);
      ++small.runs.back();
    }
  return small;
}

RunLengths mask_of(const AnnotatedBox& box, ImageSize photo, ImageSize size) {
  if (!box.rings.empty()) return mask_of_polygons(scaled(box.rings, photo, size), size.height, size.width);
  if (box.runs_size != photo)
    fail_input("{}: its run lengths are of an image of {}x{} pixels, but this one has {}x{}", box.place,
               box.runs_size.width, box.runs_size.height, photo.width, photo.height);
  if (size != photo) return reduced(box.runs, photo, size);
  return {size.height, size.width, box.runs};
}

void paint(const RunLengths& mask, uint8_t value, LabelMap& labels) {
  int64_t at = 0;
  bool is_object = false;
  for (const uint32_t run : mask.runs) {
    for (int64_t i = at; is_object && i < at + run; ++i) labels.at(i % mask.height, i / mask.height) = value;
    at += run;
    is_object = !is_object;
  }
}

}  // namespace

LabelMap mask_of_outlines(const std::vector<OutlinedObject>& objects, ImageSize photo, ImageSize size) {
  std::vector<RunLengths> masks;
  std::vector<uint64_t> areas;
  for (const auto& object : objects) {
    masks.push_back(mask_of(*object.box, photo, size));
    areas.push_back(area_of(masks.back()));
  }
  std::vector<size_t> order(objects.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return areas[a] > areas[b]; });
  LabelMap labels(size.height, size.width);
  for (const size_t i : order)
    paint(masks[i], objects[i].box->is_crowd ? kVoid : static_cast<uint8_t>(objects[i].class_id), labels);
  return labels;
}

}  // namespace boxseg
