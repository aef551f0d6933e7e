// Shows OpenCV a photograph in memory, without a copy.
#pragma once
#include <opencv2/core.hpp>

#include "common/io/image.h"

namespace boxseg {

inline cv::Mat opencv_view(RgbImage& image) {
  return {static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3, image.pixels.data()};
}
// OpenCV has no view that is only read: this one must not be written to.
inline cv::Mat opencv_view(const RgbImage& image) { return opencv_view(const_cast<RgbImage&>(image)); }

}  // namespace boxseg
