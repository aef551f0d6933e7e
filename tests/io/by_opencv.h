// Asks OpenCV what it makes of the bytes of an image, as the reference for our readers.
#pragma once
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <string>

#include "common/io/image.h"

namespace boxseg::test {

// Returns nothing where OpenCV refuses.
inline std::optional<RgbImage> by_opencv(const std::string& bytes) {
  cv::Mat bgr;
  try {
    bgr = cv::imdecode(cv::Mat(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data())),
                       cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception&) {
  }
  if (bgr.empty()) return std::nullopt;
  RgbImage image(bgr.rows, bgr.cols);
  cv::Mat rgb(bgr.rows, bgr.cols, CV_8UC3, image.pixels.data());
  cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
  return image;
}

inline bool equal(const RgbImage& a, const RgbImage& b) {
  return a.height == b.height && a.width == b.width && a.pixels == b.pixels;
}

}  // namespace boxseg::test
