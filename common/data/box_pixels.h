// Goes through the pixels of a box.
#pragma once
#include <cstddef>

#include "common/data/boxes.h"

namespace boxseg {

// Calls use(pixel) with the index of each pixel of the box in a map of `width` columns, row by row.
template <class Use>
void for_each_pixel(const PixelBox& box, int64_t width, const Use& use) {
  for (int64_t y = box.y0; y < box.y1; ++y)
    for (int64_t x = box.x0; x < box.x1; ++x) use(static_cast<size_t>(y * width + x));
}

// Returns whether holds(pixel) for any of them, and asks no further than that one.
template <class Holds>
bool any_pixel(const PixelBox& box, int64_t width, const Holds& holds) {
  for (int64_t y = box.y0; y < box.y1; ++y)
    for (int64_t x = box.x0; x < box.x1; ++x)
      if (holds(static_cast<size_t>(y * width + x))) return true;
  return false;
}

}  // namespace boxseg
