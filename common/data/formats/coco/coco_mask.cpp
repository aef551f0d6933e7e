#include "common/data/formats/coco/coco_mask.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>

#include "common/base/error.h"

namespace boxseg {
namespace {

// The COCO API draws the outline of a polygon on a grid five times finer, point by point, and takes the places where it
// steps between the fine columns 5k+2 and 5k+3: there the runs change in column k, at the upper one of the two points.
// Between two corners x and y are monotone, so these steps are found without a walk along all points.
constexpr int kFiner = 5;

struct Point {
  int x, y;
};

// Rounds as the COCO API does, which below zero is not to the nearest.
int rounded(double value) {
  return static_cast<int>(value + .5);  // NOLINT(bugprone-incorrect-roundings): lround() has other bits there
}

struct Change {
  uint32_t column, row;
};

// Finds where the outline of one polygon changes the runs of an image.
class Changes {
 public:
  Changes(int64_t height, int64_t width) : height_(height), width_(width) { changes_.reserve(256); }

  // The points of an edge count from its left end, or from its upper one where it is steep; the shorter direction is
  // rounded(start + slope * t).
  void add_edge(Point from, Point to) {
    const int dx = std::abs(to.x - from.x), dy = std::abs(to.y - from.y);
    if (dx == 0) return;
    if (dx >= dy) {
      if (from.x > to.x) std::swap(from, to);
      add_flat(from, to, static_cast<double>(to.y - from.y) / dx);
    } else {
      if (from.y > to.y) std::swap(from, to);
      add_steep(from, to, static_cast<double>(to.x - from.x) / dy);
    }
  }

  // Returns the changes as pixel numbers in order. They are dealt out by column first, since a column has two as a
  // rule.
  std::vector<uint32_t> sorted() const {
    if (changes_.empty()) return {};
    uint32_t first = changes_[0].column, last = first;
    for (const Change& c : changes_) first = std::min(first, c.column), last = std::max(last, c.column);
    std::vector<uint32_t> begin(last - first + 2), positions(changes_.size());
    for (const Change& c : changes_) ++begin[c.column - first + 1];
    for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
    for (const Change& c : changes_)
      positions[begin[c.column - first]++] = c.column * static_cast<uint32_t>(height_) + c.row;
    for (size_t i = 0, done = 0; i + 1 < begin.size(); done = begin[i++])  // each begin has moved to its end
      if (begin[i] - done > 1)
        std::sort(positions.begin() + static_cast<long>(done), positions.begin() + static_cast<long>(begin[i]));
    return positions;
  }

 private:
  // Returns the first and last column whose step lies between two fine columns.
  std::pair<int, int> columns(int low, int high) const {
    const int first = low <= 2 ? 0 : (low + 2) / kFiner, last = high <= 2 ? -1 : (high - 3) / kFiner;
    return {first, static_cast<int>(std::min<int64_t>(last, width_ - 1))};
  }

  void put(int column, int fine_y) {
    const int64_t row = fine_y <= 2 ? 0 : (static_cast<int64_t>(fine_y) + 2) / kFiner;
    changes_.push_back({static_cast<uint32_t>(column), static_cast<uint32_t>(std::min(row, height_))});
  }

  void add_flat(Point from, Point to, double slope) {
    const auto [first, last] = columns(from.x, to.x);
    for (int column = first; column <= last; ++column) {
      const int t = column * kFiner + 2 - from.x + (slope < 0 ? 1 : 0);
      put(column, rounded(from.y + slope * t));
    }
  }

  void add_steep(Point from, Point to, double slope) {
    const auto [first, last] = columns(std::min(from.x, to.x), std::max(from.x, to.x));
    const double inverse = 1 / slope;
    const int steps = to.y - from.y;
    for (int column = first; column <= last; ++column) {
      const int left = column * kFiner + 2;
      const auto is_past = [&](int t) { return (rounded(from.x + slope * t) > left) == (slope > 0); };
      int t = std::clamp(static_cast<int>((left + .5 - from.x) * inverse) + 1, 1,
                         steps);  // the first point past it, or nearly
      while (t > 1 && is_past(t - 1)) --t;
      while (t < steps && !is_past(t)) ++t;
      put(column, from.y + t - 1);
    }
  }

  int64_t height_, width_;
  std::vector<Change> changes_;
};

RunLengths mask_of_polygon(std::span<const double> polygon, int64_t height, int64_t width) {
  const size_t corners = polygon.size() / 2;
  if (corners == 0) return {height, width, {static_cast<uint32_t>(height * width)}};
  Changes changes(height, width);
  const auto corner = [&](size_t j) {
    return Point{rounded(kFiner * polygon[2 * j]), rounded(kFiner * polygon[2 * j + 1])};
  };
  const Point first = corner(0);
  Point from = first;
  for (size_t j = 1; j <= corners; ++j) {
    const Point to = j < corners ? corner(j) : first;
    changes.add_edge(from, to);
    from = to;
  }
  const std::vector<uint32_t> positions = changes.sorted();
  const auto pixels = static_cast<uint32_t>(height * width);
  // A run of length 0 joins its two neighbours.
  RunLengths mask{height, width, {}};
  mask.runs.reserve(positions.size() + 1);
  uint32_t before = 0;
  bool joins = false;
  for (size_t j = 0; j <= positions.size(); ++j) {
    const uint32_t position = j < positions.size() ? positions[j] : pixels, run = position - before;
    before = position;
    if (joins)
      mask.runs.back() += run, joins = false;
    else if (run > 0 || j == 0)
      mask.runs.push_back(run);
    else
      joins = true;
  }
  return mask;
}

// Walks two masks of one size at the same time: step(length, value of a, value of b). As in the COCO API it ends where
// both come to a run of no pixel together.
template <class Step>
void walk(const RunLengths& a, const RunLengths& b, const Step& step) {
  if (a.runs.empty() || b.runs.empty()) return;
  size_t i = 0, j = 0;
  uint32_t left_a = a.runs[0], left_b = b.runs[0];
  do {
    const uint32_t length = std::min(left_a, left_b);
    step(length, (i & 1) != 0, (j & 1) != 0);
    left_a -= length, left_b -= length;
    if (left_a == 0) {
      if (++i == a.runs.size()) return;
      left_a = a.runs[i];
    }
    if (left_b == 0) {
      if (++j == b.runs.size()) return;
      left_b = b.runs[j];
    }
  } while ((left_a | left_b) != 0);
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

// Decodes a text: a number is written in groups of five bits, the lowest first; a sixth bit tells that more follow, and
// 48 is added. From the fourth number on the difference to the last but one is stored.
RunLengths mask_of_text(std::string_view text, int64_t height, int64_t width) {
  RunLengths mask{height, width, {}};
  mask.runs.reserve(text.size());
  uint64_t all = 0;  // the bits of all runs
  for (size_t i = 0; i < text.size();) {
    int64_t value = 0;
    int bits = 0;
    for (bool has_more = true; has_more;) {
      if (i == text.size()) fail_input("counts: the text is cut short");
      const int digit = text[i++] - 48;
      if (digit < 0 || digit > 63 || bits > 30) fail_input("counts: letter {} is none of a compressed mask", i);
      value |= static_cast<int64_t>(digit & 31) << bits;
      bits += 5;
      has_more = (digit & 32) != 0;
      if (!has_more && (digit & 16) != 0) value -= int64_t{1} << bits;
    }
    if (mask.runs.size() > 2) value += mask.runs[mask.runs.size() - 2];
    all |= static_cast<uint64_t>(value);
    mask.runs.push_back(static_cast<uint32_t>(value));
  }
  if (all >> 32 != 0) fail_input("counts: a run would be negative, or beyond 32 bits");
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
  const auto height = static_cast<uint32_t>(mask.height);
  const size_t changes = mask.runs.size() / 2 * 2;
  if (changes == 0 || height == 0) return {};
  uint32_t left = static_cast<uint32_t>(mask.width), top = height, right = 0, bottom = 0;
  uint32_t x = 0, y = 0;
  const auto advance = [&](uint32_t pixels) {  // a division is slow, and runs are mostly shorter than a column
    y += pixels;
    if (y < height) return;
    const uint32_t columns = y < 2 * height ? 1 : y / height;
    x += columns, y -= columns * height;
  };
  for (size_t i = 0; i < changes; i += 2) {
    advance(mask.runs[i]);
    const uint32_t ones = mask.runs[i + 1], x0 = x, y0 = y;  // the first pixel of a run of ones, then its last
    if (ones == 0) continue;
    advance(ones - 1);
    if (x0 < x) top = 0, bottom = height - 1;  // a run over a column's end
    left = std::min({left, x0, x}), right = std::max({right, x0, x});
    top = std::min({top, y0, y}), bottom = std::max({bottom, y0, y});
    advance(1);
  }
  return {static_cast<double>(left), static_cast<double>(top), static_cast<double>(right - left + 1),
          static_cast<double>(bottom - top + 1)};
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
