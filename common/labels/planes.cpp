#include "common/labels/planes.h"

#include <algorithm>

#include "common/io/highest_label.h"

namespace boxseg {
namespace {

// Returns [H,W]: 1 inside a box of the class, 0 elsewhere.
std::vector<uint8_t> inside_boxes(const Geometry& geometry, int64_t class_id) {
  std::vector<uint8_t> inside(static_cast<size_t>(geometry.area()), 0);
  for (const auto& box : geometry.boxes) {
    if (box.class_id != class_id || box.x0 >= box.x1) continue;
    for (int64_t y = box.y0; y < box.y1; ++y)
      std::fill_n(inside.begin() + y * geometry.size.width + box.x0, box.x1 - box.x0, uint8_t{1});
  }
  return inside;
}

}  // namespace

Planes::Planes(int64_t n, ImageSize size, float value)
    : count(n),
      height(size.height),
      width(size.width),
      values(static_cast<size_t>(n * size.height * size.width), value) {}

void reset_outside_boxes(Planes& scores, const Geometry& geometry) {
  for (int64_t k = 1; k < scores.count; ++k) {
    const auto inside = inside_boxes(geometry, geometry.classes[static_cast<size_t>(k - 1)]);
    float* plane = scores.plane(k);
    for (size_t p = 0; p < inside.size(); ++p)
      if (!inside[p]) plane[p] = 0.f;
  }
}

std::vector<float> highest_score(const Planes& scores) {
  std::vector<float> highest(static_cast<size_t>(scores.area()), 0.f);
  for (int64_t k = 0; k < scores.count; ++k) {
    const float* plane = scores.plane(k);
    for (size_t p = 0; p < highest.size(); ++p) highest[p] = std::max(highest[p], plane[p]);
  }
  for (float& score : highest) score = std::min(score, 1.f);
  return highest;
}

LabelMap highest_class(const Planes& scores, const Geometry& geometry) {
  std::vector<uint8_t> labels = {0};
  for (const int64_t c : geometry.classes) labels.push_back(static_cast<uint8_t>(c));
  return highest_label(scores.values, labels, {scores.height, scores.width});
}

}  // namespace boxseg
