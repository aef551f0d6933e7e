#include "common/io/highest_label.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/base/error.h"

namespace boxseg {

LabelMap highest_label(std::span<const float> planes, std::span<const uint8_t> labels, ImageSize size) {
  LabelMap map(size.height, size.width);
  const size_t pixels = map.pixels.size();
  ensure(!labels.empty() && planes.size() == labels.size() * pixels,
         "highest_label: {} values for {} planes of {} pixels", planes.size(), labels.size(), pixels);
  std::fill(map.pixels.begin(), map.pixels.end(), labels[0]);
  std::vector<float> best(planes.begin(), planes.begin() + static_cast<int64_t>(pixels));
  for (size_t k = 1; k < labels.size(); ++k) {
    const float* plane = planes.data() + k * pixels;
    for (size_t p = 0; p < pixels; ++p) {
      if (!(plane[p] > best[p])) continue;
      best[p] = plane[p];
      map.pixels[p] = labels[k];
    }
  }
  return map;
}

LabelMap highest_label(std::span<const float> planes, int64_t count, ImageSize size) {
  std::vector<uint8_t> labels(static_cast<size_t>(count));
  std::iota(labels.begin(), labels.end(), uint8_t{0});
  return highest_label(planes, labels, size);
}

}  // namespace boxseg
