#include "common/labels/owned_pixels.h"

#include <limits>

#include "common/base/error.h"
#include "common/data/box_pixels.h"
#include "common/io/resized.h"

namespace boxseg {
namespace {

// A row or column of the scaled mask, and the one of the window that it shows.
struct Line {
  int64_t at = 0, from = 0;
};

// The lines of an axis of `to` pixels whose centres lie in the `count` ones from `begin` on of an axis of `of` pixels.
std::vector<Line> lines_of(int64_t begin, int64_t count, int64_t of, int64_t to) {
  std::vector<Line> lines;
  for (int64_t at = 0; at < to; ++at)
    if (const int64_t from = nearest_source(at, of, to) - begin; from >= 0 && from < count) lines.push_back({at, from});
  return lines;
}

}  // namespace

OwnedPixels owned_pixels(const std::vector<int32_t>& owners, ImageSize size, size_t number, const PixelBox& box) {
  ensure(static_cast<int64_t>(owners.size()) == size.height * size.width, "{} owners of {}x{} pixels", owners.size(),
         size.width, size.height);
  OwnedPixels owned{box.x0, box.y0, box.y1 - box.y0, box.x1 - box.x0, {}};
  owned.is_owned.reserve(static_cast<size_t>(owned.height * owned.width));
  for_each_pixel(box, size.width,
                 [&](size_t p) { owned.is_owned.push_back(owners[p] == static_cast<int32_t>(number)); });
  return owned;
}

RunLengths mask_of_owned(const OwnedPixels& owned, ImageSize of, ImageSize to) {
  if (to.height * to.width > std::numeric_limits<uint32_t>::max())
    fail_input("a mask of {}x{} pixels: COCO's run lengths count at most 2^32 - 1", to.width, to.height);
  const auto rows = lines_of(owned.y0, owned.height, of.height, to.height),
             columns = lines_of(owned.x0, owned.width, of.width, to.width);
  RunLengths mask{to.height, to.width, {}};
  int64_t end = 0;  // of the runs so far
  for (const Line& column : columns)
    for (const Line& row : rows) {
      if (owned.is_owned[static_cast<size_t>(row.from * owned.width + column.from)] == 0) continue;
      const int64_t place = column.at * to.height + row.at;
      if (mask.runs.empty() || place > end) {
        mask.runs.push_back(static_cast<uint32_t>(place - end));
        mask.runs.push_back(0);
      }
      ++mask.runs.back();
      end = place + 1;
    }
  if (const int64_t rest = to.height * to.width - end; rest > 0) mask.runs.push_back(static_cast<uint32_t>(rest));
  return mask;
}

}  // namespace boxseg
