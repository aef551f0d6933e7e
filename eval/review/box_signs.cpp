#include "eval/review/box_signs.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/data/box_pixels.h"
#include "common/io/resized.h"
#include "common/labels/attention.h"
#include "common/labels/interpolation.h"
#include "eval/review/box_side.h"

namespace boxseg {
namespace {

constexpr int64_t kSmallSide = 500;
constexpr int64_t kBorder = 8;  // pixels: nearer to the image's border a side tells nothing

double median(std::vector<double> values) {
  const size_t middle = values.size() / 2;
  std::sort(values.begin(), values.end());
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The larger of two signs, of which the first may be unknown.
void raise(double& sign, double value) { sign = std::isnan(sign) ? value : std::max(sign, value); }

bool tells(const BoxSide& side) { return side.room() > kBorder; }

std::vector<uint8_t> covered_by(const std::vector<PixelBox>& boxes, ImageSize size, int64_t margin_x,
                                int64_t margin_y) {
  std::vector<uint8_t> covered(static_cast<size_t>(size.height * size.width), 0);
  for (const PixelBox& b : boxes) {
    const PixelBox wide{std::max<int64_t>(0, b.x0 - margin_x), std::max<int64_t>(0, b.y0 - margin_y),
                        std::min(size.width, b.x1 + margin_x), std::min(size.height, b.y1 + margin_y)};
    for_each_pixel(wide, size.width, [&](size_t p) { covered[p] = 1; });
  }
  return covered;
}

// What the maps of stage 2 say about one class, at each pixel of the small image.
struct ClassView {
  std::vector<float> probability;  // of the class against the background
  std::vector<float> score;        // the class's score less the background's, for features of length 1
};

// A class, or a background, that the classifier does not know shows as what is unlike the image's background.
ClassView view_of(const FeatureMaps& maps, size_t k, const Interpolation& interpolation,
                  const std::vector<float>& norm) {
  ClassView view;
  const auto pixels = norm.size();
  if (maps.is_known[k] == 0 || maps.background_map.empty()) {
    view.probability = attention_map(maps, interpolation, norm);
    for (float& value : view.probability) value = 1 - value;
    view.score = view.probability;
    return view;
  }
  std::vector<float> background(pixels);
  view.score.resize(pixels);
  interpolation.map(maps.class_maps.data() + static_cast<int64_t>(k) * maps.area(), view.score.data());
  interpolation.map(maps.background_map.data(), background.data());
  view.probability.resize(pixels);
  for (size_t p = 0; p < pixels; ++p) {
    const float difference = view.score[p] - background[p];
    view.probability[p] = 1 / (1 + std::exp(-difference));
    view.score[p] = difference / norm[p];
  }
  return view;
}

double mean_in(const PixelBox& box, int64_t width, const std::vector<float>& values) {
  double sum = 0;
  for_each_pixel(box, width, [&](size_t p) { sum += values[p]; });
  return sum / static_cast<double>((box.x1 - box.x0) * (box.y1 - box.y0));
}

// The share of what a box grown by half of itself on each side holds of the class, but at least a cell away from any
// box: nearer to a box, features still see what is in it.
double share_beside(const PixelBox& box, ImageSize size, const std::vector<float>& probability,
                    const std::vector<uint8_t>& near_boxes) {
  const int64_t dx = (box.x1 - box.x0) / 2, dy = (box.y1 - box.y0) / 2;
  const PixelBox doubled{std::max<int64_t>(0, box.x0 - dx), std::max<int64_t>(0, box.y0 - dy),
                         std::min(size.width, box.x1 + dx), std::min(size.height, box.y1 + dy)};
  double inside = 0, outside = 0;
  for_each_pixel(box, size.width, [&](size_t p) { inside += probability[p]; });
  for_each_pixel(doubled, size.width, [&](size_t p) { outside += near_boxes[p] == 0 ? probability[p] : 0; });
  return outside / (inside + outside);
}

// The mean score in a band beyond the side, as deep as a quarter of the box, that begins a cell away from it. Other
// boxes of the class are left out; kUnknown where less than a third of the band remains.
double score_beyond(const BoxSide& side, int64_t cell, const std::vector<float>& score,
                    const std::vector<uint8_t>& in_boxes_of_class) {
  constexpr int64_t kLeastDepth = 8, kLeastLines = 4;
  const int64_t end = std::min(side.room(), cell + std::max(kLeastDepth, side.depth() / 4));
  if (end - cell < kLeastLines) return BoxSigns::kUnknown;
  double sum = 0;
  int64_t count = 0;
  for (int64_t line = cell; line < end; ++line)
    for (int64_t along = 0; along < side.length(); ++along) {
      const auto p = static_cast<size_t>(side.pixel(line, along));
      if (in_boxes_of_class[p] != 0) continue;
      sum += score[p];
      ++count;
    }
  return 3 * count < (end - cell) * side.length() ? BoxSigns::kUnknown : sum / static_cast<double>(count);
}

// The mean cosine of the features in the two cells between which the side runs, along the side; kUnknown on a map of
// one cell. `cell_width`, `cell_height`: pixels from one cell to the next.
double likeness_across(const FeatureMaps& maps, const BoxSide& side, const PixelBox& box, double cell_width,
                       double cell_height) {
  const int64_t h = maps.cells.height, w = maps.cells.width;
  const bool is_upright = side.is_upright();
  const int64_t across = is_upright ? w : h, along = is_upright ? h : w;
  const double step_across = is_upright ? cell_width : cell_height, step_along = is_upright ? cell_height : cell_width;
  if (across < 2) return BoxSigns::kUnknown;
  const auto cell = std::min(static_cast<int64_t>(static_cast<double>(side.place()) / step_across), across - 2);
  const auto begin = static_cast<double>(is_upright ? box.y0 : box.x0),
             end = static_cast<double>(is_upright ? box.y1 : box.x1);
  auto first = static_cast<int64_t>(std::ceil(begin / step_along));
  auto last = static_cast<int64_t>(std::floor((end - 1) / step_along));
  if (first > last) first = last = std::lround((begin + end) / 2 / step_along);  // a box between two cells
  last = std::min(last, along - 1);
  first = std::min(first, last);
  const float* squared = maps.gram.data();
  const float* product = squared + (is_upright ? 1 : 2) * maps.area();  // with the right, or the lower neighbour
  double sum = 0;
  for (int64_t i = first; i <= last; ++i) {
    const int64_t here = is_upright ? i * w + cell : cell * w + i, there = here + (is_upright ? 1 : w);
    const double lengths = std::sqrt(double{squared[here]} * squared[there]);
    sum += lengths > 0 ? product[here] / lengths : 0;
  }
  return sum / static_cast<double>(last - first + 1);
}

// How the strongest colour step within 4 pixels of the side compares with those along lines around it: the logarithm
// of their ratio, which is about 0 where the side runs through one thing.
double edge_along(const BoxSide& side, const RgbImage& photograph) {
  constexpr int64_t kNear = 4, kLeastSpan = 12, kMostSpan = 40;
  constexpr double kGrain = 5;  // grey levels, of three colours together: what a smooth sky has, too
  const int64_t span = std::clamp(side.depth() / 3, kLeastSpan, kMostSpan);
  const int64_t first = std::max(-span, -side.depth() + 2), end = std::min(span, side.room() - 2);
  std::vector<double> near_side, all;
  for (int64_t line = first; line < end; ++line) {
    double step = 0;
    for (int64_t along = 0; along < side.length(); ++along)
      for (size_t c = 0; c < 3; ++c) {
        const auto at = [&](int64_t l) {
          return int{photograph.pixels[static_cast<size_t>(3 * side.pixel(l, along)) + c]};
        };
        step += std::abs(at(line) + at(line + 1) - at(line - 1) - at(line - 2)) / 2.0;
      }
    step /= static_cast<double>(side.length());
    all.push_back(step);
    if (std::abs(line) <= kNear) near_side.push_back(step);
  }
  if (near_side.empty()) return BoxSigns::kUnknown;
  return std::log((*std::max_element(near_side.begin(), near_side.end()) + 0.5) / (median(all) + kGrain));
}

}  // namespace

SmallImage::SmallImage(ImageSize image, const std::vector<PixelBox>& all) : size(fitted(image, kSmallSide)) {
  const double sx = static_cast<double>(size.width) / static_cast<double>(image.width);
  const double sy = static_cast<double>(size.height) / static_cast<double>(image.height);
  const auto scaled = [](int64_t begin, int64_t end, double scale, int64_t side) {
    const int64_t first = std::clamp<int64_t>(std::lround(static_cast<double>(begin) * scale), 0, side - 1);
    return std::pair{first, std::clamp<int64_t>(std::lround(static_cast<double>(end) * scale), first + 1, side)};
  };
  for (const PixelBox& b : all) {
    const auto [x0, x1] = scaled(b.x0, b.x1, sx, size.width);
    const auto [y0, y1] = scaled(b.y0, b.y1, sy, size.height);
    boxes.push_back({x0, y0, x1, y1, b.class_id});
  }
}

void add_signs_of_features(const FeatureMaps& maps, const std::vector<int64_t>& classes, const SmallImage& image,
                           std::vector<BoxSigns>& signs) {
  ensure(classes.size() == maps.is_known.size(), "{} classes, maps of {}", classes.size(), maps.is_known.size());
  const ImageSize size = image.size;
  const Interpolation interpolation(maps.cells, size);
  const std::vector<float> norm = feature_norm(maps, interpolation);
  const auto step = [](int64_t pixels, int64_t cells) {
    return cells > 1 ? static_cast<double>(pixels - 1) / static_cast<double>(cells - 1) : static_cast<double>(pixels);
  };
  const double cell_width = step(size.width, maps.cells.width), cell_height = step(size.height, maps.cells.height);
  const int64_t dx = std::lround(cell_width), dy = std::lround(cell_height);
  const std::vector<uint8_t> near_boxes = covered_by(image.boxes, size, dx, dy);
  for (size_t k = 0; k < classes.size(); ++k) {
    const ClassView view = view_of(maps, k, interpolation, norm);
    std::vector<PixelBox> of_class;
    for (const PixelBox& b : image.boxes)
      if (b.class_id == classes[k]) of_class.push_back(b);
    const std::vector<uint8_t> in_boxes_of_class = covered_by(of_class, size, 0, 0);
    for (size_t i = 0; i < image.boxes.size(); ++i) {
      const PixelBox& box = image.boxes[i];
      if (box.class_id != classes[k]) continue;
      BoxSigns& s = signs[i];
      s.unseen = 1 - mean_in(box, size.width, view.probability);
      s.beside = share_beside(box, size, view.probability, near_boxes);
      const double mean_score = mean_in(box, size.width, view.score);
      for (const Side which : kSides) {
        const BoxSide side(box, size, which);
        const double beyond = score_beyond(side, side.is_upright() ? dx : dy, view.score, in_boxes_of_class);
        if (!std::isnan(beyond)) raise(s.beyond, beyond - mean_score);
        if (!tells(side)) continue;
        const double alike = likeness_across(maps, side, box, cell_width, cell_height);
        if (!std::isnan(alike)) raise(s.alike, alike);
      }
    }
  }
}

void add_signs_of_photograph(const RgbImage& photograph, const SmallImage& image, std::vector<BoxSigns>& signs) {
  ensure(photograph.height == image.size.height && photograph.width == image.size.width,
         "a photograph of {}x{} pixels, expected {}x{}", photograph.width, photograph.height, image.size.width,
         image.size.height);
  for (size_t i = 0; i < image.boxes.size(); ++i)
    for (const Side which : kSides) {
      const BoxSide side(image.boxes[i], image.size, which);
      if (!tells(side)) continue;
      const double edge = edge_along(side, photograph);
      if (!std::isnan(edge)) raise(signs[i].smooth, -edge);
    }
}

std::vector<double> oddness(const std::vector<BoxSigns>& signs) {
  constexpr size_t kFewest = 12;
  constexpr double kMost = 1.5, kDeviations = 1.4826;  // of a normal distribution, in median distances
  std::vector<double> sum(signs.size(), 0);
  for (double BoxSigns::*sign :
       {&BoxSigns::unseen, &BoxSigns::beside, &BoxSigns::beyond, &BoxSigns::alike, &BoxSigns::smooth}) {
    std::vector<double> known, distances;
    for (const BoxSigns& s : signs)
      if (!std::isnan(s.*sign)) known.push_back(s.*sign);
    if (known.size() < kFewest) continue;
    const double middle = median(known);
    for (const double value : known) distances.push_back(std::abs(value - middle));
    const double deviation = kDeviations * median(distances);
    for (size_t i = 0; i < signs.size(); ++i)
      if (const double away = signs[i].*sign - middle; !std::isnan(away) && deviation > 0)
        sum[i] += std::clamp(away / deviation, -kMost, kMost);
  }
  return sum;
}

}  // namespace boxseg
