#include "common/data/augment_options.h"

namespace boxseg {

void AugmentOptions::declare(Options& o) {
  o.add("crop", &crop, "side of the square training crops in pixels");
  o.add("scale-min", &scale_min, "smallest random scale");
  o.add("scale-max", &scale_max, "largest random scale");
  o.add("flip", &flip, "probability of a horizontal flip");
  o.add("jitter", &jitter, "brightness, contrast and saturation are drawn from 1 +- this");
}

void AugmentOptions::check() const {
  require_option(crop >= 8 && crop <= 4096, "crop", crop, "8 to 4096");
  require_option(scale_min > 0 && scale_min <= scale_max && scale_max <= 10, "scale-min", scale_min,
                 "0 < scale-min <= scale-max <= 10");
  require_option(flip >= 0 && flip <= 1, "flip", flip, "a probability");
  require_option(jitter >= 0 && jitter <= 1, "jitter", jitter, "0 to 1");
}

}  // namespace boxseg
