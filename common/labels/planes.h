// Holds maps at full resolution, one per label, and finds the label that is highest in them.
#pragma once
#include <cstdint>
#include <vector>

#include "common/io/image.h"
#include "common/io/label_png.h"
#include "common/labels/geometry.h"

namespace boxseg {

// `count` full-resolution maps, [count,H,W] float32.
struct Planes {
  int64_t count = 0, height = 0, width = 0;
  std::vector<float> values;
  Planes() = default;
  Planes(int64_t n, ImageSize size, float value = 0);
  int64_t area() const { return height * width; }
  float* plane(int64_t i) { return values.data() + i * area(); }
  const float* plane(int64_t i) const { return values.data() + i * area(); }
};

// Sets foreground scores outside the class's boxes to 0. scores: [1+k,H,W], background first.
void reset_outside_boxes(Planes& scores, const Geometry& geometry);

// Returns the class with the highest score; ties go to the lower index, so to the background first.
LabelMap highest_class(const Planes& scores, const Geometry& geometry);

// Returns how sure that class is: its score, at most 1. [H,W].
std::vector<float> highest_score(const Planes& scores);

}  // namespace boxseg
