// Finds the label that is highest at each pixel.
#pragma once
#include <cstdint>
#include <span>

#include "common/io/image.h"
#include "common/io/label_png.h"

namespace boxseg {

// `planes` is [labels.size(),H,W], and the label of plane k is labels[k]. Ties go to the earlier plane.
LabelMap highest_label(std::span<const float> planes, std::span<const uint8_t> labels, ImageSize size);
// `planes` is [count,H,W], and the label of plane k is k. Ties go to the earlier plane.
LabelMap highest_label(std::span<const float> planes, int64_t count, ImageSize size);

}  // namespace boxseg
