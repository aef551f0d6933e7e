#include "common/io/resized.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "common/io/opencv_view.h"

namespace boxseg {

ImageSize fitted(ImageSize size, int64_t side) {
  const int64_t longer = std::max(size.height, size.width);
  if (longer <= side) return size;
  return {std::max<int64_t>(1, size.height * side / longer), std::max<int64_t>(1, size.width * side / longer)};
}

RgbImage resized(const RgbImage& image, ImageSize size) {
  RgbImage result(size.height, size.width);
  cv::Mat to = opencv_view(result);
  cv::resize(opencv_view(image), to, to.size(), 0, 0, cv::INTER_AREA);
  return result;
}

LabelMap resized(const LabelMap& labels, ImageSize size) {
  LabelMap result(size.height, size.width);
  std::vector<int64_t> columns(static_cast<size_t>(size.width));
  for (int64_t x = 0; x < size.width; ++x)
    columns[static_cast<size_t>(x)] = nearest_source(x, labels.width, size.width);
  for (int64_t y = 0; y < size.height; ++y) {
    const uint8_t* row =
        &labels.pixels[static_cast<size_t>(nearest_source(y, labels.height, size.height) * labels.width)];
    for (int64_t x = 0; x < size.width; ++x) result.at(y, x) = row[columns[static_cast<size_t>(x)]];
  }
  return result;
}

}  // namespace boxseg
