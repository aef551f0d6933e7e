#include "eval/miou/boundary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/error.h"
#include "eval/miou/confusion.h"

namespace boxseg {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int32_t kFar = 1 << 29;  // of a column without a marked pixel

// Finds marked pixels near others. Distances within columns are worked out at once, since these are sums along rows of
// numbers; those across columns where somebody asks.
class MarkedPixels {
 public:
  // `columns`: [H,W], 0 at marked pixels and kFar elsewhere.
  MarkedPixels(int64_t height, int64_t width, std::vector<int32_t> columns)
      : height_(height), width_(width), columns_(std::move(columns)) {
    for (int64_t y = 1; y < height_; ++y) take_over(y, y - 1);
    for (int64_t y = height_ - 2; y >= 0; --y) take_over(y, y + 1);
  }

  bool is_within(int64_t squared_distance, int64_t y, int64_t x) const {
    const int32_t* row = &columns_[static_cast<size_t>(y * width_)];
    for (int64_t dx = 0; dx * dx <= squared_distance; ++dx) {
      const int64_t most = squared_distance - dx * dx;
      if (x >= dx && square(row[x - dx]) <= most) return true;
      if (x + dx < width_ && square(row[x + dx]) <= most) return true;
    }
    return false;
  }

  // Returns the place of the nearest one, as boundary_f() breaks ties. There must be one.
  int64_t nearest(int64_t y, int64_t x) const {
    int64_t least = std::numeric_limits<int64_t>::max(), column = 0;
    for (int64_t dx = 0; dx < width_ && dx * dx < least; ++dx)
      for (const int64_t other : {x - dx, x + dx}) {
        if (other < 0 || other >= width_) continue;
        const int64_t squared = dx * dx + square(columns_[static_cast<size_t>(y * width_ + other)]);
        if (squared < least) least = squared, column = other;
      }
    const int64_t dy = columns_[static_cast<size_t>(y * width_ + column)];
    const bool is_above = y >= dy && columns_[static_cast<size_t>((y - dy) * width_ + column)] == 0;
    return (is_above ? y - dy : y + dy) * width_ + column;
  }

 private:
  static int64_t square(int64_t value) { return value * value; }

  void take_over(int64_t y, int64_t from) {
    int32_t* row = &columns_[static_cast<size_t>(y * width_)];
    const int32_t* other = &columns_[static_cast<size_t>(from * width_)];
    for (int64_t x = 0; x < width_; ++x) row[x] = std::min(row[x], other[x] + 1);
  }

  int64_t height_, width_;
  std::vector<int32_t> columns_;
};

// Replaces what stands on void pixels of the truth in both maps; false where nothing else is there.
bool fill_void(LabelMap& truth, LabelMap& prediction) {
  const auto void_pixels = std::count(truth.pixels.begin(), truth.pixels.end(), kVoid);
  if (void_pixels == 0) return true;
  if (void_pixels == static_cast<int64_t>(truth.pixels.size())) return false;
  std::vector<int32_t> columns(truth.pixels.size());
  std::transform(truth.pixels.begin(), truth.pixels.end(), columns.begin(),
                 [](uint8_t label) { return label == kVoid ? kFar : 0; });
  const MarkedPixels labelled(truth.height, truth.width, std::move(columns));
  const auto begin = truth.pixels.begin(), end = truth.pixels.end();
  for (auto at = std::find(begin, end, kVoid); at != end; at = std::find(at + 1, end, kVoid)) {
    const int64_t place = at - begin;
    const auto from = static_cast<size_t>(labelled.nearest(place / truth.width, place % truth.width));
    *at = truth.pixels[from];  // which is not void, and so is as it was
    prediction.pixels[static_cast<size_t>(place)] = prediction.pixels[from];
  }
  return true;
}

// Sets `is_edge` where a label differs from one of the four beside it, along a row.
void find_edges(const LabelMap& labels, int64_t y, std::vector<uint8_t>& is_edge) {
  const int64_t w = labels.width;
  const uint8_t* row = &labels.pixels[static_cast<size_t>(y * w)];
  const uint8_t* above = y > 0 ? row - w : row;
  const uint8_t* below = y + 1 < labels.height ? row + w : row;
  for (int64_t x = 0; x < w; ++x)
    is_edge[static_cast<size_t>(x)] = static_cast<uint8_t>((row[x] != above[x]) | (row[x] != below[x]));
  for (int64_t x = 0; x + 1 < w; ++x) is_edge[static_cast<size_t>(x)] |= static_cast<uint8_t>(row[x] != row[x + 1]);
  for (int64_t x = 1; x < w; ++x) is_edge[static_cast<size_t>(x)] |= static_cast<uint8_t>(row[x] != row[x - 1]);
}

using Places = std::vector<int64_t>;

// Returns the boundary pixels of each class, [K].
std::vector<Places> boundaries(const LabelMap& labels, int64_t classes) {
  std::vector<Places> of_class(static_cast<size_t>(classes));
  std::vector<uint8_t> is_edge(static_cast<size_t>(labels.width));
  for (int64_t y = 0; y < labels.height; ++y) {
    find_edges(labels, y, is_edge);
    const auto begin = is_edge.begin();
    for (auto at = std::find(begin, is_edge.end(), 1); at != is_edge.end(); at = std::find(at + 1, is_edge.end(), 1)) {
      const int64_t place = y * labels.width + (at - begin);
      of_class.at(labels.pixels[static_cast<size_t>(place)]).push_back(place);
    }
  }
  return of_class;
}

// Returns the share of `places` that has one of `others` within the tolerance.
double share_near(const Places& places, const Places& others, int64_t height, int64_t width) {
  std::vector<int32_t> columns(static_cast<size_t>(height * width), kFar);
  for (const int64_t place : others) columns[static_cast<size_t>(place)] = 0;
  const MarkedPixels marked(height, width, std::move(columns));
  const int64_t tolerance = squared_tolerance(height, width);
  const auto near = std::count_if(places.begin(), places.end(), [&](int64_t place) {
    return marked.is_within(tolerance, place / width, place % width);
  });
  return static_cast<double>(near) / static_cast<double>(places.size());
}

}  // namespace

int64_t squared_tolerance(int64_t height, int64_t width) {
  // (0.75 / 100)^2 = 9 / 160000, which no floating-point number is.
  return 9 * (height * height + width * width) / 160000;
}

std::vector<double> boundary_f(const LabelMap& truth, const LabelMap& prediction, int64_t classes) {
  ensure(truth.height == prediction.height && truth.width == prediction.width,
         "boundaries of maps of {} x {} and {} x {} pixels", truth.width, truth.height, prediction.width,
         prediction.height);
  std::vector<double> f(static_cast<size_t>(classes), kNan);
  LabelMap filled_truth = truth, filled_prediction = prediction;
  if (!fill_void(filled_truth, filled_prediction)) return f;
  const auto is_true = boundaries(filled_truth, classes), is_predicted = boundaries(filled_prediction, classes);
  for (size_t c = 0; c < f.size(); ++c) {
    if (is_true[c].empty() && is_predicted[c].empty()) continue;
    f[c] = 0;
    if (is_true[c].empty() || is_predicted[c].empty()) continue;
    const double precision = share_near(is_predicted[c], is_true[c], truth.height, truth.width);
    const double recall = share_near(is_true[c], is_predicted[c], truth.height, truth.width);
    if (precision + recall > 0) f[c] = 2 * precision * recall / (precision + recall);
  }
  return f;
}

BoundaryMean::BoundaryMean(int64_t classes)
    : sums_(static_cast<size_t>(classes), 0.0), images_(static_cast<size_t>(classes), 0) {}

void BoundaryMean::add(const std::vector<double>& of_image) {
  for (size_t c = 0; c < of_image.size(); ++c)
    if (!std::isnan(of_image[c])) sums_[c] += of_image[c], ++images_[c];
}

std::vector<double> BoundaryMean::per_class() const {
  std::vector<double> means(sums_.size(), kNan);
  for (size_t c = 0; c < means.size(); ++c)
    if (images_[c] > 0) means[c] = 100 * sums_[c] / static_cast<double>(images_[c]);
  return means;
}

double BoundaryMean::mean() const {
  double sum = 0;
  int64_t classes = 0;
  for (const double f : per_class())
    if (!std::isnan(f)) sum += f, ++classes;
  return classes > 0 ? sum / static_cast<double>(classes) : kNan;
}

}  // namespace boxseg
