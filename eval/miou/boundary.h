// Measures how close the contours of a prediction are to the true ones, by the boundary F1 of Csurka et al., "What is a
// good evaluation measure for semantic segmentation?", BMVC 2013.
#pragma once
#include <cstdint>
#include <vector>

#include "common/io/image.h"

namespace boxseg {

// Returns for each class, [K], the harmonic mean of precision and recall of its boundary in one image, 0 to 1; NaN for
// a class that has a boundary in neither map, 0 for one that has it in a single one.
//
// A boundary pixel of a class is one of its pixels with a pixel of another class above, below, left or right of it; the
// image's own edge makes none. Precision is the share of the predicted ones with a true one of the class within the
// tolerance, recall the share of the true ones with a predicted one: Euclidean distances between pixels' centres, up to
// 0.75 % of the image's diagonal.
//
// Void (255 in `truth`) is ignored: its pixels take, in both maps, the label of the nearest pixel that is not void, so
// that neither what is predicted there nor the rim of void makes a boundary. VOC's masks have void all around their
// objects; the true contour then runs along the middle of it. Of several nearest pixels that in the nearest column
// counts, then the one on the left, then the upper one.
//
// Both maps are [H,W] and hold classes 0 to K-1, the truth 255, too.
std::vector<double> boundary_f(const LabelMap& truth, const LabelMap& prediction, int64_t classes);

// The square of the tolerance in pixels, rounded down, which decides the same for distances between pixels.
int64_t squared_tolerance(int64_t height, int64_t width);

// Averages over the images in which a class has a boundary, then over the classes. Images are added in their order, so
// that sums do not depend on threads.
class BoundaryMean {
 public:
  explicit BoundaryMean(int64_t classes);
  void add(const std::vector<double>& of_image);  // as boundary_f() gives them
  std::vector<double> per_class() const;          // [K], percent; NaN for classes without a boundary
  double mean() const;                            // percent; NaN without any
 private:
  std::vector<double> sums_;
  std::vector<int64_t> images_;
};

}  // namespace boxseg
