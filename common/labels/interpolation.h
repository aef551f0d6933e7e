// Makes maps at full resolution from maps on feature cells (bilinear, align_corners=True). Its adjoint turns sums over
// pixels of an interpolated map into weighted sums over cells.
//
// The sum of F over a set of pixels is sum_p sum_a w_a(p) f_a = sum over cells of f times the adjoint of the
// interpolation applied to the set's mask; so no C x H x W tensor is ever made.
#pragma once
#include <cstdint>
#include <vector>

#include "common/io/image.h"
#include "common/labels/interpolation_kernel.h"

namespace boxseg {

// Interpolates from h x w cells to H x W pixels.
class Interpolation {
 public:
  Interpolation(ImageSize cells, ImageSize pixels, int threads = 1);
  ImageSize cells() const { return cells_; }
  ImageSize pixels() const { return pixels_; }
  int threads() const { return threads_; }

  // Writes `out` [H,W] from `map` [h,w].
  void map(const float* map, float* out) const;
  // Writes `out` [H,W], the length of the interpolated feature, at least 1e-12 (the eps of the authors' normalisation),
  // from `gram` [5,h,w].
  void norm(const float* gram, float* out) const;
  // Returns [groups,h,w]: the weight of each cell in the sum over the group's pixels. group_of_pixel: [H,W], 0 ..
  // groups-1, or -1 for none. Sums are made in double in pixel order, so that nothing depends on threads.
  std::vector<double> adjoint(const std::vector<int32_t>& group_of_pixel, int64_t groups) const;

 private:
  ImageSize cells_, pixels_;
  int threads_;
  std::vector<AxisPoint> rows_, columns_;
};

// Counts the pixels of each group, [groups].
std::vector<int64_t> count_groups(const std::vector<int32_t>& group_of_pixel, int64_t groups);

}  // namespace boxseg
