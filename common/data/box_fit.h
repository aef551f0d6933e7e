// Finds out whether label maps and boxes lie at the same places. With masks of other images, mirrored or turned masks,
// boxes whose corners are widths and heights, or two classes exchanged, every value is a known class, and every number
// is wrong.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

class BoxFit {
 public:
  // Adds an image's boxes, clipped to it, and its label map, read from `path`. Classes of which the image has no box or
  // no pixel say nothing here (class_agreement.h asks for those). The order of images does not matter; not thread-safe.
  void add(const std::filesystem::path& path, const std::vector<Box>& boxes, const LabelMap& labels);

  void add(const BoxFit& other);  // adds what another object saw of other images

  // Returns "" where they fit; else a sentence on `what` ("the masks in SegmentationClass") and what may be the cause.
  // In 977 images of VOC 2012, 0.2 % of the pixels of objects lie outside the boxes of their class (of the worst image
  // 29 %), and a class's only box has in the median an intersection over union of 0.94 with its pixels' extents. There
  // is doubt when more than a tenth lie outside (of an image: more than half, and 100 pixels), or when the median is
  // below a half.
  std::string doubt(const std::string& what) const;

 private:
  struct Worst {
    double share = 0;
    std::string path;
  };
  int64_t pixels_ = 0, outside_ = 0, images_mostly_outside_ = 0;
  Worst worst_;
  std::vector<double> overlaps_;  // one for each box that is the only one of its class in its image
};

}  // namespace boxseg
