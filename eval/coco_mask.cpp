#include "eval/coco_mask.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/base/error.h"

namespace boxseg {
namespace {

constexpr double kFiner = 5;

struct Point {
  int x, y;
};

// The outline of a polygon on the finer grid, every point of each edge; consecutive edges repeat their common point.
std::vector<Point> outline_of(const std::vector<double>& polygon) {
  const size_t corners = polygon.size() / 2;
  std::vector<Point> corner(corners + 1), outline;
  for (size_t j = 0; j < corners; ++j)
    corner[j] = {static_cast<int>(kFiner * polygon[2 * j] + .5), static_cast<int>(kFiner * polygon[2 * j + 1] + .5)};
  corner[corners] = corner[0];
  for (size_t j = 0; j < corners; ++j) {
    Point from = corner[j], to = corner[j + 1];
    const int dx = std::abs(to.x - from.x), dy = std::abs(to.y - from.y);
    const bool is_flat = dx >= dy, is_backward = is_flat ? from.x > to.x : from.y > to.y;
    if (is_backward) std::swap(from, to);
    const int steps = is_flat ? dx : dy;
    const double slope = steps == 0 ? 0 : is_flat ? static_cast<double>(to.y - from.y) / dx : static_cast<double>(to.x - from.x) / dy;
    for (int d = 0; d <= steps; ++d) {
      const int t = is_backward ? steps - d : d;
      if (is_flat) outline.push_back({t + from.x, static_cast<int>(from.y + slope * t + .5)});
      else outline.push_back({static_cast<int>(from.x + slope * t + .5), t + from.y});
    }
  }
  return outline;
}

RunLengths mask_of_polygon(const std::vector<double>& polygon, int64_t height, int64_t width) {
  const std::vector<Point> outline = outline_of(polygon);
  // Where the outline steps to another column of pixels, the runs change.
  std::vector<uint32_t> changes;
  for (size_t j = 1; j < outline.size(); ++j) {
    const Point &a = outline[j - 1], &b = outline[j];
    if (a.x == b.x) continue;
    const double x = (static_cast<double>(b.x < a.x ? b.x : b.x - 1) + .5) / kFiner - .5;
    if (std::floor(x) != x || x < 0 || x > static_cast<double>(width - 1)) continue;
    const double y = (static_cast<double>(std::min(a.y, b.y)) + .5) / kFiner - .5;
    const auto row = static_cast<int64_t>(std::ceil(std::clamp(y, 0.0, static_cast<double>(height))));
    changes.push_back(static_cast<uint32_t>(static_cast<int64_t>(x) * height + row));
  }
  changes.push_back(static_cast<uint32_t>(height * width));
  std::sort(changes.begin(), changes.end());
  for (size_t j = changes.size(); j-- > 1;) changes[j] -= changes[j - 1];
  // A run of length 0 joins its two neighbours.
  RunLengths mask{height, width, {changes[0]}};
  for (size_t j = 1; j < changes.size(); ++j) {
    if (changes[j] > 0) mask.runs.push_back(changes[j]);
    else if (++j < changes.size()) mask.runs.back() += changes[j];
  }
  return mask;
}

// Walks two masks of one size at the same time: step(length, value of a, value of b).
template <class Step>
void walk(const RunLengths& a, const RunLengths& b, const Step& step) {
  size_t i = 0, j = 0;
  uint32_t left_a = a.runs.empty() ? 0 : a.runs[0], left_b = b.runs.empty() ? 0 : b.runs[0];
  while (i < a.runs.size() && j < b.runs.size()) {
    const uint32_t length = std::min(left_a, left_b);
    step(length, (i & 1) != 0, (j & 1) != 0);
    left_a -= length, left_b -= length;
    if (left_a == 0 && ++i < a.runs.size()) left_a = a.runs[i];
    if (left_b == 0 && ++j < b.runs.size()) left_b = b.runs[j];
  }
}

RunLengths union_of(const RunLengths& a, const RunLengths& b) {
  RunLengths out{a.height, a.width, {0}};
  bool value = false;
  walk(a, b, [&](uint32_t length, bool in_a, bool in_b) {
    if ((in_a || in_b) != value) out.runs.push_back(0), value = !value;
    out.runs.back() += length;
  });
  return out;
}

}  // namespace

RunLengths mask_of_polygons(const std::vector<std::vector<double>>& polygons, int64_t height, int64_t width) {
  RunLengths mask{height, width, {static_cast<uint32_t>(height * width)}};
  for (size_t i = 0; i < polygons.size(); ++i) {
    RunLengths part = mask_of_polygon(polygons[i], height, width);
    mask = i == 0 ? std::move(part) : union_of(mask, part);
  }
  return mask;
}

std::vector<double> polygon_of_box(const CocoBox& b) {
  return {b[0], b[1], b[0], b[1] + b[3], b[0] + b[2], b[1] + b[3], b[0] + b[2], b[1]};
}

// Numbers in groups of five bits, the lowest first, a sixth bit tells that more follow, 48 is added; from the fourth on
// the difference to the last but one is stored.
RunLengths mask_of_text(std::string_view text, int64_t height, int64_t width) {
  RunLengths mask{height, width, {}};
  for (size_t i = 0; i < text.size();) {
    int64_t value = 0;
    int bits = 0;
    for (bool has_more = true; has_more;) {
      if (i == text.size()) fail_input("counts '{}': is cut short", text.substr(0, 40));
      const int digit = text[i++] - 48;
      if (digit < 0 || digit > 63 || bits > 30) fail_input("counts '{}': letter {} is none of a compressed mask", text.substr(0, 40), i);
      value |= static_cast<int64_t>(digit & 31) << bits;
      bits += 5;
      has_more = (digit & 32) != 0;
      if (!has_more && (digit & 16) != 0) value -= int64_t{1} << bits;
    }
    if (mask.runs.size() > 2) value += static_cast<int32_t>(mask.runs[mask.runs.size() - 2]);
    mask.runs.push_back(static_cast<uint32_t>(value));
  }
  return mask;
}

std::string text_of_mask(const RunLengths& mask) {
  std::string text;
  for (size_t i = 0; i < mask.runs.size(); ++i) {
    int64_t value = mask.runs[i];
    if (i > 2) value -= mask.runs[i - 2];
    for (bool has_more = true; has_more;) {
      const int64_t digit = value & 31;
      value >>= 5;
      has_more = (digit & 16) != 0 ? value != -1 : value != 0;
      text += static_cast<char>((has_more ? digit | 32 : digit) + 48);
    }
  }
  return text;
}

uint64_t area_of(const RunLengths& mask) {
  uint64_t area = 0;
  for (size_t i = 1; i < mask.runs.size(); i += 2) area += mask.runs[i];
  return area;
}

CocoBox box_of(const RunLengths& mask) {
  const auto height = static_cast<uint64_t>(mask.height);
  const size_t changes = mask.runs.size() / 2 * 2;
  if (changes == 0 || height == 0) return {};
  uint64_t left = static_cast<uint64_t>(mask.width), top = height, right = 0, bottom = 0, position = 0, before = 0;
  for (size_t i = 0; i < changes; ++i) {
    position += mask.runs[i];
    const uint64_t pixel = position - i % 2;  // the first of a run of ones, then its last
    const uint64_t y = pixel % height, x = pixel / height;
    if (i % 2 == 0) before = x;
    else if (before < x) top = 0, bottom = height - 1;  // a run over a column's end
    left = std::min(left, x), right = std::max(right, x);
    top = std::min(top, y), bottom = std::max(bottom, y);
  }
  return {static_cast<double>(left), static_cast<double>(top), static_cast<double>(right - left + 1), static_cast<double>(bottom - top + 1)};
}

double box_iou(const CocoBox& d, const CocoBox& t, bool is_crowd) {
  const double width = std::min(d[2] + d[0], t[2] + t[0]) - std::max(d[0], t[0]);
  if (width <= 0) return 0;
  const double height = std::min(d[3] + d[1], t[3] + t[1]) - std::max(d[1], t[1]);
  if (height <= 0) return 0;
  const double both = width * height, area = d[2] * d[3];
  return both / (is_crowd ? area : area + t[2] * t[3] - both);
}

double mask_iou(const RunLengths& d, const RunLengths& t, bool is_crowd) {
  if (d.height != t.height || d.width != t.width) return -1;
  uint64_t both = 0, either = 0;
  walk(d, t, [&](uint32_t length, bool in_d, bool in_t) {
    if (in_d || in_t) either += length;
    if (in_d && in_t) both += length;
  });
  if (both == 0) return 0;
  return static_cast<double>(both) / static_cast<double>(is_crowd ? area_of(d) : either);
}

}  // namespace boxseg
