#include "eval/miou/box_iou.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "common/data/boxes.h"
#include "common/labels/box_masks.h"
#include "eval/miou/confusion.h"

namespace boxseg {
namespace {

std::vector<Box> boxes_but_crowds(const ImageEntry& image) {
  std::vector<Box> boxes;
  std::copy_if(image.boxes.begin(), image.boxes.end(), std::back_inserter(boxes),
               [](const Box& box) { return !box.is_crowd; });
  return boxes;
}

}  // namespace

std::vector<double> box_ious(const LabelMap& truth, const LabelMap& prediction, const ImageEntry& image,
                             BoxNumbers numbers) {
  const auto boxes = pixel_boxes(boxes_but_crowds(image), image.size, exact_convention(numbers));
  if (boxes.empty()) return {};
  LabelMap judged(prediction.height, prediction.width);
  std::transform(truth.pixels.begin(), truth.pixels.end(), prediction.pixels.begin(), judged.pixels.begin(),
                 [](uint8_t is, uint8_t predicted) { return is == kVoid ? kVoid : predicted; });  // no box's class
  const auto is_true = owners_of_pixels(truth, boxes), is_predicted = owners_of_pixels(judged, boxes);
  std::vector<double> ious;
  for (size_t i = 0; i < boxes.size(); ++i) {
    int64_t both = 0, either = 0;
    const auto owner = static_cast<int32_t>(i);
    for (int64_t y = boxes[i].y0; y < boxes[i].y1; ++y) {
      const int32_t *a = is_true.data() + y * truth.width, *b = is_predicted.data() + y * truth.width;
      int32_t both_in_row = 0, either_in_row = 0;
      for (int64_t x = boxes[i].x0; x < boxes[i].x1; ++x) {
        both_in_row += (a[x] == owner) & (b[x] == owner);
        either_in_row += (a[x] == owner) | (b[x] == owner);
      }
      both += both_in_row, either += either_in_row;
    }
    if (either > 0) ious.push_back(static_cast<double>(both) / static_cast<double>(either));
  }
  return ious;
}

BoxScores scores_of_boxes(const std::vector<double>& ious) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (ious.empty()) return {kNan, kNan};
  const auto boxes = static_cast<double>(ious.size());
  const auto over = std::count_if(ious.begin(), ious.end(), [](double iou) { return iou > 0.8; });
  return {100 * std::accumulate(ious.begin(), ious.end(), 0.0) / boxes, 100 * static_cast<double>(over) / boxes};
}

}  // namespace boxseg
