// Where two label maps of an image agree.
#pragma once
#include <cstdint>

#include "common/io/image.h"

namespace boxseg {

// The class that both maps have, and `otherwise` where they differ. Throws failed for maps of different sizes.
LabelMap agreed_labels(const LabelMap& a, const LabelMap& b, uint8_t otherwise);

}  // namespace boxseg
