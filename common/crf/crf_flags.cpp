#include "common/crf/crf_flags.h"

#include "common/base/error.h"

namespace boxseg {

CrfFlags::CrfFlags(const CrfOptions& usual)
    : bilateral_{usual.bilateral_weight, usual.bilateral_xy, usual.bilateral_rgb},
      gaussian_{usual.gaussian_weight, usual.gaussian_xy},
      iterations_(usual.iterations) {}

void CrfFlags::declare(Options& options, const std::string& iterations_flag) {
  iterations_flag_ = iterations_flag;
  options.add("bilateral", &bilateral_, "CRF bilateral kernel: weight,sxy,srgb; deviations in pixels and grey levels");
  options.add("gaussian", &gaussian_, "CRF Gaussian kernel: weight,sxy");
  options.add(iterations_flag, &iterations_, "mean-field iterations of the CRF");
}

CrfOptions CrfFlags::chosen() const {
  if (bilateral_.size() != 3)
    fail_usage("--bilateral: expected weight,sxy,srgb such as 4,55,3, got {} numbers", bilateral_.size());
  if (gaussian_.size() != 2)
    fail_usage("--gaussian: expected weight,sxy such as 3,3, got {} numbers", gaussian_.size());
  if (iterations_ < 0) fail_usage("--{} {}: expected 0 or more", iterations_flag_, iterations_);
  const CrfOptions crf{bilateral_[0], bilateral_[1], bilateral_[2], gaussian_[0], gaussian_[1], iterations_};
  crf.check();
  return crf;
}

CrfOptions CrfFlags::chosen_over(const CrfOptions& usual, const Options& command_line) const {
  CrfOptions crf = chosen();
  if (command_line.is_default("bilateral"))
    crf.bilateral_weight = usual.bilateral_weight, crf.bilateral_xy = usual.bilateral_xy,
    crf.bilateral_rgb = usual.bilateral_rgb;
  if (command_line.is_default("gaussian"))
    crf.gaussian_weight = usual.gaussian_weight, crf.gaussian_xy = usual.gaussian_xy;
  if (command_line.is_default(iterations_flag_)) crf.iterations = usual.iterations;
  return crf;
}

}  // namespace boxseg
