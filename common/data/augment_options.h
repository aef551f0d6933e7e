// What augmentation draws from, as flags of the training stages.
#pragma once
#include <cstdint>

#include "common/base/options.h"

namespace boxseg {

struct AugmentOptions {
  double scale_min = 0.5, scale_max = 1.5;  // the scale is drawn from between
  double flip = 0.5;                        // probability
  double jitter = 0.5;                      // brightness, contrast and saturation are drawn from 1 +- this
  int64_t crop = 321;                       // side of the square crops in pixels
  void declare(Options& options);
  void check() const;  // throws usage
};

}  // namespace boxseg
