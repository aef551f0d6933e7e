#include "eval/miou/baselines.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/text.h"
#include "common/io/opencv_view.h"
#include "common/labels/planes.h"

namespace boxseg {
namespace {

int64_t area(const PixelBox& box) {
  return std::max<int64_t>(0, box.x1 - box.x0) * std::max<int64_t>(0, box.y1 - box.y0);
}

void fill(LabelMap& labels, const PixelBox& box) {
  for (int64_t y = box.y0; y < box.y1; ++y)
    std::fill_n(&labels.at(y, box.x0), box.x1 - box.x0, static_cast<uint8_t>(box.class_id));
}

// Returns [1 + classes, H, W]: 1 outside all boxes in channel 0; inside, the softmax of 1 for the class on top and 0
// elsewhere.
std::vector<float> unary_of(const LabelMap& filled, const std::vector<int64_t>& classes,
                            const std::vector<bool>& is_inside) {
  const size_t pixels = filled.pixels.size(), channels = classes.size() + 1;
  const float sum = std::exp(1.0f) + static_cast<float>(channels - 1);
  const float high = std::exp(1.0f) / sum, low = 1.0f / sum;
  std::vector<float> unary(channels * pixels, 0.0f);
  for (size_t p = 0; p < pixels; ++p) {
    if (!is_inside[p]) {
      unary[p] = 1.0f;
      continue;
    }
    unary[p] = low;
    for (size_t c = 0; c < classes.size(); ++c)
      unary[(c + 1) * pixels + p] = filled.pixels[p] == classes[c] ? high : low;
  }
  return unary;
}

// Finds GrabCut's foreground inside `box`; returns false when it cannot start or leaves nothing.
bool cut(const cv::Mat& bgr, const PixelBox& box, uint64_t seed, cv::Mat& mask) {
  const int64_t inside = area(box), outside = static_cast<int64_t>(bgr.total()) - inside;
  // OpenCV's colour models have so many components, each of which needs a pixel.
  constexpr int64_t kMixtureComponents = 5;
  if (inside < kMixtureComponents || outside < kMixtureComponents) return false;
  const cv::Rect rect(static_cast<int>(box.x0), static_cast<int>(box.y0), static_cast<int>(box.x1 - box.x0),
                      static_cast<int>(box.y1 - box.y0));
  // The state is this thread's; k-means draws from it.
  cv::theRNG().state = seed;
  cv::Mat background_model, foreground_model;
  constexpr int kIterations = 5;
  try {
    cv::grabCut(bgr, mask, rect, background_model, foreground_model, kIterations, cv::GC_INIT_WITH_RECT);
    // On images of one colour a colour model has no pixels.
  } catch (const cv::Exception&) {
    return false;
  }
  cv::Mat foreground = (mask == cv::GC_FGD) | (mask == cv::GC_PR_FGD);
  mask = foreground;
  return cv::countNonZero(foreground(rect)) > 0;
}

}  // namespace

const std::vector<std::string>& baseline_names() {
  static const std::vector<std::string> names = {"filled_boxes", "filled_boxes_crf", "grabcut"};
  return names;
}

BaselineKind parse_baseline_kind(const std::string& name) {
  const auto& names = baseline_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) fail_usage("--kind '{}': expected one of {}", name, join(names, ", "));
  return static_cast<BaselineKind>(found - names.begin());
}

std::vector<size_t> painting_order(const std::vector<PixelBox>& boxes) {
  std::vector<size_t> order;
  for (size_t i = 0; i < boxes.size(); ++i)
    if (area(boxes[i]) > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return area(boxes[a]) > area(boxes[b]); });
  return order;
}

LabelMap filled_boxes(const std::vector<PixelBox>& boxes, ImageSize size) {
  LabelMap labels(size.height, size.width);
  for (const size_t i : painting_order(boxes)) fill(labels, boxes[i]);
  return labels;
}

LabelMap filled_boxes_crf(const RgbImage& image, const std::vector<PixelBox>& boxes, DenseCrf& crf) {
  const int64_t height = image.height, width = image.width;
  LabelMap filled = filled_boxes(boxes, {height, width});
  std::vector<int64_t> classes;
  for (const size_t i : painting_order(boxes)) classes.push_back(boxes[i].class_id);
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (classes.empty()) return filled;

  const size_t pixels = filled.pixels.size();
  std::vector<bool> is_inside(pixels);
  for (size_t p = 0; p < pixels; ++p) is_inside[p] = filled.pixels[p] != 0;
  Planes q;
  q.count = static_cast<int64_t>(classes.size()) + 1, q.height = height, q.width = width;
  q.values = crf.infer(image.pixels, unary_of(filled, classes, is_inside), q.count, height, width);
  const Geometry geometry{{height, width}, boxes, {}, classes};
  reset_outside_boxes(q, geometry);  // a class stays inside its boxes
  return highest_class(q, geometry);
}

LabelMap grabcut(const RgbImage& image, const std::vector<PixelBox>& boxes, uint64_t seed, int64_t* fallbacks) {
  const cv::Mat rgb = opencv_view(image);
  LabelMap labels(image.height, image.width);
  cv::Mat mask;
  for (const size_t i : painting_order(boxes)) {
    if (!cut(rgb, boxes[i], seed + i, mask)) {
      if (fallbacks != nullptr) ++*fallbacks;
      fill(labels, boxes[i]);
      continue;
    }
    for (int64_t y = boxes[i].y0; y < boxes[i].y1; ++y) {
      const uint8_t* row = mask.ptr<uint8_t>(static_cast<int>(y));
      for (int64_t x = boxes[i].x0; x < boxes[i].x1; ++x)
        if (row[x] != 0) labels.at(y, x) = static_cast<uint8_t>(boxes[i].class_id);
    }
  }
  return labels;
}

LabelMap baseline_labels(BaselineKind kind, const Dataset& dataset, const ImageEntry& image,
                         const std::vector<PixelBox>& boxes, const CrfOptions& crf, uint64_t seed, int64_t* fallbacks) {
  if (kind == BaselineKind::filled_boxes) return filled_boxes(boxes, image.size);
  const RgbImage rgb = read_rgb(dataset.image_path(image));
  if (rgb.height != image.size.height || rgb.width != image.size.width)
    fail_input("{}: {} x {} pixels (width x height), but the dataset's index says {} x {}; run prepare again",
               dataset.image_path(image).string(), rgb.width, rgb.height, image.size.width, image.size.height);
  if (kind == BaselineKind::grabcut) return grabcut(rgb, boxes, seed ^ stable_hash64(image.id), fallbacks);
  DenseCrf inference(crf);
  return filled_boxes_crf(rgb, boxes, inference);
}

}  // namespace boxseg
