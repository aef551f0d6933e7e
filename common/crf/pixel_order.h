// Defines the order in which pixels are kept: strips of kStrip columns, row by row inside a strip. Pixels that lie
// together in the image, and with them their lattice vertices, then lie together in memory.
#pragma once
#include <algorithm>
#include <cstdint>

namespace boxseg::crf {

struct PixelOrder {
  static constexpr int64_t kStrip = 64;
  int64_t height = 0, width = 0;

  // Calls body(i, x, y, length) for the points first .. first + count - 1 that are pixels, in runs of at most kStrip:
  // the points first + i, first + i + 1, ... are the pixels (x, y), (x + 1, y), ... Returns how many points are pixels.
  template <class Body>
  int64_t for_runs(int64_t first, int64_t count, const Body& body) const {
    int64_t i = 0;
    int64_t strip = std::min(first / (kStrip * height), (width - 1) / kStrip);
    int64_t rest = first - strip * kStrip * height;
    for (; i < count && strip * kStrip < width; ++strip, rest = 0) {
      const int64_t begin = strip * kStrip, strip_width = std::min(kStrip, width - begin);
      int64_t y = rest / strip_width, x = begin + rest % strip_width;
      for (; y < height && i < count; ++y, x = begin) {
        const int64_t length = std::min(begin + strip_width - x, count - i);
        body(i, x, y, length);
        i += length;
      }
    }
    return i;
  }

  // Calls body(i, x, y) for the points first + i, i = 0 .. count - 1, and beyond(i) for those past the last pixel.
  template <class Body, class Beyond>
  void for_points(int64_t first, int64_t count, const Body& body, const Beyond& beyond) const {
    int64_t done = for_runs(first, count, [&](int64_t i, int64_t x, int64_t y, int64_t length) {
      for (int64_t k = 0; k < length; ++k) body(i + k, x + k, y);
    });
    for (; done < count; ++done) beyond(done);
  }
};

}  // namespace boxseg::crf
