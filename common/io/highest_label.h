// The label that is highest at each pixel.
#pragma once
#include <cstdint>
#include <span>

#include "common/io/image.h"
#include "common/io/label_png.h"

namespace boxseg {

// planes: [labels.size(),H,W], the label of plane k being labels[k]. Ties go to the earlier plane.
LabelMap highest_label(std::span<const float> planes, std::span<const uint8_t> labels, ImageSize size);
// The same of planes [count,H,W] whose labels are their numbers.
LabelMap highest_label(std::span<const float> planes, int64_t count, ImageSize size);

}  // namespace boxseg
