#include "common/labels/outlines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "common/base/error.h"

namespace boxseg {
namespace {

struct Corner {
  int64_t x = 0, y = 0;
  bool operator==(const Corner&) const = default;
};
using Ring = std::vector<Corner>;

// Right, down, left, up: sides are walked with the mask to the right hand (y points down).
constexpr std::array<Corner, 4> kSteps = {{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}};

// Walks all borders between the mask and what is not in it.
class Tracer {
 public:
  Tracer(const std::vector<uint8_t>& mask, int64_t height, int64_t width)
      : mask_(mask), height_(height), width_(width), is_walked_(static_cast<size_t>((height + 1) * (width + 1))) {}

  std::vector<Ring> rings() {
    std::vector<Ring> all;
    for (int64_t y = 0; y < height_; ++y)
      for (int64_t x = 0; x < width_; ++x) {
        // Upper sides are walked to the right; every border has one.
        const bool is_upper = holds(x, y) && !holds(x, y - 1);
        if (is_upper && !is_walked_[at({x, y})]) all.push_back(walk({x, y}));
      }
    // The lower side of what is enclosed is an upper side of the mask below it, so holes are among these.
    return all;
  }

 private:
  bool holds(int64_t x, int64_t y) const {
    return x >= 0 && y >= 0 && x < width_ && y < height_ && mask_[static_cast<size_t>(y * width_ + x)] != 0;
  }
  size_t at(const Corner& c) const { return static_cast<size_t>(c.y * (width_ + 1) + c.x); }
  // Whether the side that leaves a corner in a direction has the mask to the right of it, and not to the left.
  bool is_side(const Corner& c, int direction) const {
    switch (direction) {
      case 0:
        return holds(c.x, c.y) && !holds(c.x, c.y - 1);
      case 1:
        return holds(c.x - 1, c.y) && !holds(c.x, c.y);
      case 2:
        return holds(c.x - 1, c.y - 1) && !holds(c.x - 1, c.y);
      default:
        return holds(c.x, c.y - 1) && !holds(c.x - 1, c.y - 1);
    }
  }
  // The corners where the direction changes, from an upper side on. Where two pixels touch at a corner alone, the walk
  // turns right, back along the same pixel: they are parts of their own.
  Ring walk(Corner corner) {
    Ring ring;
    const Corner first = corner;
    int direction = 0, last = -1;
    do {
      if (direction == 0) is_walked_[at(corner)] = true;
      if (direction != last) ring.push_back(corner);
      last = direction;
      corner = {corner.x + kSteps[static_cast<size_t>(direction)].x,
                corner.y + kSteps[static_cast<size_t>(direction)].y};
      for (const int turn : {1, 0, 3})
        if (is_side(corner, (direction + turn) % 4)) {
          direction = (direction + turn) % 4;
          break;
        }
    } while (!(corner == first && direction == 0));
    if (last == 0) ring.erase(ring.begin());  // the walk began within a side
    return ring;
  }

  const std::vector<uint8_t>& mask_;
  const int64_t height_, width_;
  std::vector<bool> is_walked_;
};

// Twice the area, positive for rings around the mask, negative for those around what it encloses.
int64_t area(const Ring& ring) {
  int64_t sum = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Corner &a = ring[i], &b = ring[(i + 1) % ring.size()];
    sum += a.x * b.y - b.x * a.y;
  }
  return sum;
}

bool holds(const Ring& ring, double x, double y) {
  bool is_inside = false;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Corner &a = ring[i], &b = ring[(i + 1) % ring.size()];
    if (a.x != b.x) continue;  // only upright sides are crossed by a ray to the right
    const bool is_at_height = (static_cast<double>(a.y) > y) != (static_cast<double>(b.y) > y);
    if (is_at_height && static_cast<double>(a.x) > x) is_inside = !is_inside;
  }
  return is_inside;
}

double distance(const Corner& p, const Corner& a, const Corner& b) {
  const auto dx = static_cast<double>(b.x - a.x), dy = static_cast<double>(b.y - a.y);
  const auto px = static_cast<double>(p.x - a.x), py = static_cast<double>(p.y - a.y);
  const double length = dx * dx + dy * dy;
  const double t = length == 0 ? 0 : std::clamp((px * dx + py * dy) / length, 0.0, 1.0);
  return std::hypot(px - t * dx, py - t * dy);
}

// Ramer, Douglas and Peucker: keeps the ends, and what lies too far from the line between them.
void simplify(const Ring& ring, size_t from, size_t to, double tolerance, std::vector<bool>& is_kept) {
  double farthest = 0;
  size_t at = from;
  for (size_t i = from + 1; i < to; ++i)
    if (const double d = distance(ring[i], ring[from], ring[to % ring.size()]); d > farthest) farthest = d, at = i;
  if (farthest <= tolerance) return;
  is_kept[at] = true;
  simplify(ring, from, at, tolerance, is_kept);
  simplify(ring, at, to, tolerance, is_kept);
}

Ring simplified(const Ring& ring, double tolerance) {
  if (tolerance <= 0 || ring.size() <= 4) return ring;
  // The two ends are corners that lie far apart, so that both halves have a line to be measured from.
  size_t far = 0;
  int64_t most = -1;
  for (size_t i = 1; i < ring.size(); ++i) {
    const int64_t dx = ring[i].x - ring[0].x, dy = ring[i].y - ring[0].y;
    if (dx * dx + dy * dy > most) most = dx * dx + dy * dy, far = i;
  }
  std::vector<bool> is_kept(ring.size());
  is_kept[0] = is_kept[far] = true;
  simplify(ring, 0, far, tolerance, is_kept);
  simplify(ring, far, ring.size(), tolerance, is_kept);
  Ring kept;
  for (size_t i = 0; i < ring.size(); ++i)
    if (is_kept[i]) kept.push_back(ring[i]);
  return kept.size() >= 3 ? kept : ring;
}

// There, around the other ring, and back, where the two are closest.
void bridge_to(const Ring& other, Ring& ring) {
  int64_t least = std::numeric_limits<int64_t>::max();
  size_t at = 0, from = 0;
  for (size_t i = 0; i < ring.size(); ++i)
    for (size_t j = 0; j < other.size(); ++j) {
      const int64_t dx = ring[i].x - other[j].x, dy = ring[i].y - other[j].y;
      if (dx * dx + dy * dy < least) least = dx * dx + dy * dy, at = i, from = j;
    }
  Ring joined(ring.begin(), ring.begin() + static_cast<int64_t>(at) + 1);
  for (size_t j = 0; j <= other.size(); ++j) joined.push_back(other[(from + j) % other.size()]);
  joined.insert(joined.end(), ring.begin() + static_cast<int64_t>(at), ring.end());
  ring = std::move(joined);
}

Ring ring_of(const std::vector<double>& numbers) {
  Ring ring;
  for (size_t k = 0; k + 1 < numbers.size(); k += 2)
    ring.push_back({static_cast<int64_t>(numbers[k]), static_cast<int64_t>(numbers[k + 1])});
  return ring;
}

std::vector<double> numbers_of(const Ring& ring) {
  std::vector<double> numbers;
  for (const Corner& c : ring) numbers.insert(numbers.end(), {static_cast<double>(c.x), static_cast<double>(c.y)});
  return numbers;
}

}  // namespace

std::vector<std::vector<double>> outlines_of(const std::vector<uint8_t>& mask, int64_t height, int64_t width,
                                             double tolerance) {
  ensure(static_cast<int64_t>(mask.size()) == height * width, "a mask of {} pixels, expected {}x{}", mask.size(), width,
         height);
  std::vector<Ring> around, within;
  for (Ring& ring : Tracer(mask, height, width).rings()) (area(ring) > 0 ? around : within).push_back(std::move(ring));
  std::vector<Ring> parts;
  for (const Ring& ring : around) parts.push_back(simplified(ring, tolerance));
  for (const Ring& hole : within) {
    // An upper side of the mask is the lower end of what is enclosed: the pixel above it is in the hole, and the
    // smallest ring around that holds it is the hole's.
    const double x = static_cast<double>(hole[0].x), y = static_cast<double>(hole[0].y);
    size_t owner = around.size();
    for (size_t i = 0; i < around.size(); ++i)
      if (holds(around[i], x + 0.25, y - 0.25) && (owner == around.size() || area(around[i]) < area(around[owner])))
        owner = i;
    if (owner < around.size()) bridge_to(simplified(hole, tolerance), parts[owner]);
  }
  std::vector<std::vector<double>> rings;
  for (const Ring& ring : parts) rings.push_back(numbers_of(ring));
  return rings;
}

std::vector<double> joined_rings(const std::vector<std::vector<double>>& rings) {
  if (rings.empty()) return {};
  Ring all = ring_of(rings[0]);
  for (size_t i = 1; i < rings.size(); ++i) bridge_to(ring_of(rings[i]), all);
  return numbers_of(all);
}

}  // namespace boxseg
