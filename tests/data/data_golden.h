// Reads golden boxes and pictures as our types.
#pragma once
#include <string>
#include <vector>

#include "common/data/dataset.h"
#include "common/io/hdf5.h"

namespace boxseg::test {

// Reads a [R,5] dataset: x0, y0, x1, y1, class.
inline std::vector<Box> golden_boxes(const H5Reader& file, const std::string& dataset) {
  const auto values = file.read<float>(dataset);
  std::vector<Box> boxes;
  for (size_t i = 0; i + 4 < values.size(); i += 5)
    boxes.push_back({values[i], values[i + 1], values[i + 2], values[i + 3], static_cast<int64_t>(values[i + 4])});
  return boxes;
}

inline RgbImage golden_rgb(const H5Reader& file, const std::string& dataset) {
  const auto shape = file.shape(dataset);
  RgbImage image(shape.at(0), shape.at(1));
  image.pixels = file.read<uint8_t>(dataset);
  return image;
}

}  // namespace boxseg::test
