#include <cmath>

#include "common/base/error.h"
#include "common/crf/dense_crf.h"

namespace boxseg {
namespace {

void require(bool holds, const char* option, const char* what, double value, const char* expected) {
  if (!holds) fail_usage("{}: the {} is {}, expected {}", option, what, value, expected);
}

}  // namespace

void CrfOptions::check() const {
  const auto is_weight = [](double w) { return std::isfinite(w) && w >= 0; };
  const auto is_deviation = [](double s) { return std::isfinite(s) && s >= 1e-3 && s <= 1e6; };
  require(is_weight(bilateral_weight), "--bilateral", "weight", bilateral_weight, "a number >= 0");
  require(is_deviation(bilateral_xy), "--bilateral", "standard deviation in pixels", bilateral_xy, "0.001 to 1000000");
  require(is_deviation(bilateral_rgb), "--bilateral", "standard deviation in grey levels", bilateral_rgb,
          "0.001 to 1000000");
  require(is_weight(gaussian_weight), "--gaussian", "weight", gaussian_weight, "a number >= 0");
  require(is_deviation(gaussian_xy), "--gaussian", "standard deviation in pixels", gaussian_xy, "0.001 to 1000000");
  if (iterations < 0 || iterations > 100000) fail_usage("--iterations {}: expected 0 to 100000", iterations);
}

}  // namespace boxseg
