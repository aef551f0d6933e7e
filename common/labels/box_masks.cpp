#include "common/labels/box_masks.h"

#include <algorithm>
#include <numeric>

#include "common/base/error.h"

namespace boxseg {
namespace {

constexpr int64_t kTouchShare = 50;  // an object that touches a side comes within 1/50 of the box's length of it

int64_t area(const PixelBox& box) { return (box.y1 - box.y0) * (box.x1 - box.x0); }

// The extents of what a box owns.
struct Extents {
  int64_t x0 = INT64_MAX, y0 = INT64_MAX, x1 = -1, y1 = -1;
  void add(int64_t x, int64_t y) {
    x0 = std::min(x0, x), x1 = std::max(x1, x + 1);
    y0 = std::min(y0, y), y1 = std::max(y1, y + 1);
  }
  int sides_touched(const PixelBox& box) const {
    if (x1 < 0) return 0;
    const int64_t dx = 1 + (box.x1 - box.x0) / kTouchShare, dy = 1 + (box.y1 - box.y0) / kTouchShare;
    return (x0 <= box.x0 + dx) + (x1 >= box.x1 - dx) + (y0 <= box.y0 + dy) + (y1 >= box.y1 - dy);
  }
};

}  // namespace

std::vector<int32_t> owners_of_pixels(const LabelMap& labels, const std::vector<PixelBox>& boxes) {
  std::vector<size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return area(boxes[a]) > area(boxes[b]); });
  std::vector<int32_t> owners(labels.pixels.size(), -1);
  for (const size_t i : order) {
    const PixelBox& box = boxes[i];
    ensure(box.x0 >= 0 && box.y0 >= 0 && box.x1 <= labels.width && box.y1 <= labels.height,
           "a box reaches over an image of {}x{} pixels", labels.width, labels.height);
    // A choice in place of a branch, so that the compiler takes several pixels at a time.
    const auto label = static_cast<uint8_t>(box.class_id);
    const auto owner = static_cast<int32_t>(i);
    for (int64_t y = box.y0; y < box.y1; ++y) {
      const uint8_t* row = labels.pixels.data() + y * labels.width;
      int32_t* owners_in_row = owners.data() + y * labels.width;
      for (int64_t x = box.x0; x < box.x1; ++x) owners_in_row[x] = row[x] == label ? owner : owners_in_row[x];
    }
  }
  return owners;
}

std::vector<PixelBox> boxes_of_classes(const LabelMap& labels, int64_t classes) {
  std::vector<Extents> extents(256);
  for (int64_t y = 0; y < labels.height; ++y)
    for (int64_t x = 0; x < labels.width; ++x) extents[labels.at(y, x)].add(x, y);
  std::vector<PixelBox> boxes;
  for (int64_t c = 1; c < classes; ++c)
    if (const Extents& e = extents[static_cast<size_t>(c)]; e.x1 >= 0) boxes.push_back({e.x0, e.y0, e.x1, e.y1, c});
  return boxes;
}

double BoxMask::filled() const {
  return box_pixels == 0 ? 0 : static_cast<double>(pixels) / static_cast<double>(box_pixels);
}

double BoxMask::disagreement() const {
  return in_either == 0 ? 0 : 1 - static_cast<double>(in_both) / static_cast<double>(in_either);
}

std::vector<BoxMask> measure_box_masks(const LabelMap& y_crf, const std::vector<int32_t>& crf, const LabelMap& y_ret,
                                       const std::vector<PixelBox>& boxes) {
  const auto ret = y_ret.pixels.empty() ? crf : owners_of_pixels(y_ret, boxes);
  ensure(crf.size() == ret.size(), "Y_crf has {} pixels, Y_ret {}", crf.size(), ret.size());
  std::vector<BoxMask> masks(boxes.size());
  std::vector<Extents> extents(boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) masks[i].box_pixels = area(boxes[i]);
  for (size_t p = 0; p < crf.size(); ++p) {
    if (crf[p] >= 0) {
      BoxMask& mask = masks[static_cast<size_t>(crf[p])];
      ++mask.pixels, ++mask.in_either;
      mask.in_both += crf[p] == ret[p];
      const auto at = static_cast<int64_t>(p);
      extents[static_cast<size_t>(crf[p])].add(at % y_crf.width, at / y_crf.width);
    }
    if (ret[p] >= 0 && ret[p] != crf[p]) ++masks[static_cast<size_t>(ret[p])].in_either;
  }
  for (size_t i = 0; i < boxes.size(); ++i) masks[i].sides_touched = extents[i].sides_touched(boxes[i]);
  return masks;
}

}  // namespace boxseg
