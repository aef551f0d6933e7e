// Makes photographs and label maps smaller or larger.
#pragma once
#include "common/io/image.h"

namespace boxseg {

// Returns the largest size of the same shape whose longer side is at most `side`; small images stay as they are.
ImageSize fitted(ImageSize size, int64_t side);

// Where the middle of place `at` of `size` lies among `from` places: what the nearest neighbour of resized() takes.
inline int64_t nearest_source(int64_t at, int64_t from, int64_t size) { return (2 * at + 1) * from / (2 * size); }

RgbImage resized(const RgbImage& image, ImageSize size);   // area averages; on as many threads as OpenCV is given
LabelMap resized(const LabelMap& labels, ImageSize size);  // nearest

}  // namespace boxseg
