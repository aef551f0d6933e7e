#include "common/data/outlined_mask.h"

#include <algorithm>
#include <numeric>

#include "common/base/error.h"
#include "common/data/formats/coco/coco_mask.h"

namespace boxseg {
namespace {

constexpr uint8_t kVoid = 255;

RunLengths mask_of(const AnnotatedBox& box, ImageSize size) {
  if (!box.rings.empty()) return mask_of_polygons(box.rings, size.height, size.width);
  if (box.runs_size != size)
    fail_input("{}: its run lengths are of an image of {}x{} pixels, but this one has {}x{}", box.place,
               box.runs_size.width, box.runs_size.height, size.width, size.height);
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

LabelMap mask_of_outlines(const std::vector<OutlinedObject>& objects, ImageSize size) {
  std::vector<RunLengths> masks;
  std::vector<uint64_t> areas;
  for (const auto& object : objects) {
    masks.push_back(mask_of(*object.box, size));
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
