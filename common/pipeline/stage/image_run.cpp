#include "common/pipeline/stage/image_run.h"

#include <cmath>

namespace boxseg {

void require_finite(std::span<const float> values, const std::string& what) {
  if (std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) return;
  fail(
      "{} are not finite numbers; --checkpoint is damaged or comes from a training that diverged: train again with a "
      "lower --learning-rate",
      what);
}

}  // namespace boxseg
