#include "common/data/box_fit.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "common/base/error.h"
#include "common/data/boxes.h"

namespace boxseg {
namespace {

constexpr double kMostOutside = 0.1, kMostOutsideOfAnImage = 0.5, kLeastMedianOverlap = 0.5;
// An image counts as mostly outside only with so many pixels there; fewer are a slip of the pen.
constexpr int64_t kFewestPixels = 100;
constexpr size_t kFewestOverlaps = 10;  // a median of fewer says little
constexpr int64_t kSlack = 1;           // pixels beside a box: borders are drawn by hand

// Counts the pixels of a class and those outside its boxes, and holds from where to where they reach.
struct Extents {
  int64_t pixels = 0, outside = 0, x0 = INT64_MAX, y0 = INT64_MAX, x1 = 0, y1 = 0;
  void add(int64_t x, int64_t y, bool is_outside) {
    ++pixels;
    outside += is_outside;
    x0 = std::min(x0, x), x1 = std::max(x1, x + 1);
    y0 = std::min(y0, y), y1 = std::max(y1, y + 1);
  }
};

double overlap(const Extents& extents, const PixelBox& box) {
  const int64_t width = std::min(extents.x1, box.x1) - std::max(extents.x0, box.x0);
  const int64_t height = std::min(extents.y1, box.y1) - std::max(extents.y0, box.y0);
  if (width <= 0 || height <= 0) return 0;
  const int64_t area = (extents.x1 - extents.x0) * (extents.y1 - extents.y0);
  const int64_t area_of_box = (box.x1 - box.x0) * (box.y1 - box.y0);
  return static_cast<double>(width * height) / static_cast<double>(area + area_of_box - width * height);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void BoxFit::add(const std::filesystem::path& path, const std::vector<Box>& boxes, const LabelMap& labels) {
  const auto pixel_of = pixel_boxes(boxes, {labels.height, labels.width}, BoxConvention::exact);
  std::array<std::vector<PixelBox>, 256> of_class;
  for (const PixelBox& box : pixel_of) of_class[static_cast<size_t>(box.class_id)].push_back(box);
  std::array<Extents, 256> extents;
  std::array<std::vector<PixelBox>, 256> of_row;
  for (int64_t y = 0; y < labels.height; ++y) {
    for (size_t c = 0; c < of_class.size(); ++c) {
      if (of_class[c].empty()) continue;
      of_row[c].clear();
      std::copy_if(of_class[c].begin(), of_class[c].end(), std::back_inserter(of_row[c]),
                   [&](const PixelBox& box) { return y >= box.y0 - kSlack && y < box.y1 + kSlack; });
    }
    for (int64_t x = 0; x < labels.width; ++x) {
      const uint8_t value = labels.at(y, x);
      if (of_class[value].empty()) continue;
      const auto holds = [&](const PixelBox& box) { return x >= box.x0 - kSlack && x < box.x1 + kSlack; };
      extents[value].add(x, y, std::none_of(of_row[value].begin(), of_row[value].end(), holds));
    }
  }
  int64_t pixels = 0, outside = 0;
  for (size_t c = 0; c < extents.size(); ++c) {
    pixels += extents[c].pixels;
    outside += extents[c].outside;
    if (extents[c].pixels > 0 && of_class[c].size() == 1) overlaps_.push_back(overlap(extents[c], of_class[c][0]));
  }
  if (pixels == 0) return;
  pixels_ += pixels;
  outside_ += outside;
  const double share = static_cast<double>(outside) / static_cast<double>(pixels);
  images_mostly_outside_ += share > kMostOutsideOfAnImage && outside >= kFewestPixels;
  if (share > worst_.share) worst_ = {share, path.string()};
}

void BoxFit::add(const BoxFit& other) {
  pixels_ += other.pixels_;
  outside_ += other.outside_;
  images_mostly_outside_ += other.images_mostly_outside_;
  if (other.worst_.share > worst_.share || (other.worst_.share == worst_.share && other.worst_.path < worst_.path))
    worst_ = other.worst_;
  overlaps_.insert(overlaps_.end(), other.overlaps_.begin(), other.overlaps_.end());
}

std::string BoxFit::doubt(const std::string& what) const {
  if (pixels_ == 0) return "";
  const double share = static_cast<double>(outside_) / static_cast<double>(pixels_);
  if (share > kMostOutside)
    return fmt::format(
        "{} and the boxes do not lie at the same places: {:.1f} % of the pixels of objects are outside the boxes of "
        "their class (in VOC 0.2 %), most in {} ({:.0f} %). Has each object its box? Are the masks of the same images, "
        "neither mirrored nor turned, their values the classes in this order, and xmax and ymax of the boxes corners, "
        "not width and height?",
        what, 100 * share, worst_.path, 100 * worst_.share);
  if (images_mostly_outside_ > 0)
    return fmt::format(
        "{}: in {} image{} more than half of the pixels of objects are outside the boxes of their class, most in {} "
        "({:.0f} %): is it the mask of another image?",
        what, images_mostly_outside_, images_mostly_outside_ == 1 ? "" : "s", worst_.path, 100 * worst_.share);
  if (const double middle = overlaps_.size() < kFewestOverlaps ? 1 : median(overlaps_); middle < kLeastMedianOverlap)
    return fmt::format(
        "{} and the boxes differ in size: the median box has an intersection over union of {:.2f} with its object (in "
        "VOC 0.94). Are the boxes in pixels of these images?",
        what, middle);
  return "";
}

}  // namespace boxseg
