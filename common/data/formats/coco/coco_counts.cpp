#include "common/data/formats/coco/coco_counts.h"

#include <algorithm>
#include <limits>

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

// Masks count their pixels, and change at pixels, in 32 bits.
constexpr int64_t kMostPixels = std::numeric_limits<uint32_t>::max();

// Height and width.
std::pair<int64_t, int64_t> size_in(const dom::element& size, const CocoEntry& entry) {
  dom::array list;
  dom::element height, width;
  std::pair<int64_t, int64_t> sides;
  if (size.get_array().get(list) || list.size() != 2 || list.at(0).get(height) || list.at(1).get(width) ||
      !whole_number(height, sides.first) || !whole_number(width, sides.second) || sides.first < 0 || sides.second < 0 ||
      sides.first > kMostPixels || sides.second > kMostPixels || sides.first * sides.second > kMostPixels)
    entry.refuse(fmt::format("has {} as 'segmentation.size', expected [height, width]", shown(size)));
  return sides;
}

RunLengths mask_of_text_in(std::string_view text, int64_t height, int64_t width, const CocoEntry& entry) {
  if (text.starts_with("b'"))
    entry.refuse("has Python's way to print bytes as 'segmentation.counts'; write counts.decode() there");
  try {
    return mask_of_text(text, height, width);
  } catch (const Error& e) {
    entry.refuse(fmt::format("has bad {}", e.what()));
  }
}

RunLengths mask_of_list_in(const dom::element& counts, int64_t height, int64_t width, const CocoEntry& entry) {
  dom::array list;
  if (counts.get_array().get(list))
    entry.refuse(fmt::format("has {} as 'segmentation.counts', expected a text or a list", shown(counts)));
  RunLengths mask{height, width, {}};
  mask.runs.reserve(list.size());
  for (const dom::element count : list) {
    int64_t run = 0;
    if (!whole_number(count, run) || run < 0 || run > kMostPixels)
      entry.refuse(fmt::format("has {} in 'segmentation.counts', expected lengths of runs", shown(count)));
    mask.runs.push_back(static_cast<uint32_t>(run));
  }
  return mask;
}

}  // namespace

RunLengths mask_of_counts(const CocoEntry& segmentation) {
  dom::element size, counts;
  if (!segmentation.find("size", size) || !segmentation.find("counts", counts))
    segmentation.refuse("has a 'segmentation' without 'size' and 'counts'");
  const auto [height, width] = size_in(size, segmentation);
  std::string_view text;
  RunLengths mask = counts.get_string().get(text) ? mask_of_list_in(counts, height, width, segmentation)
                                                  : mask_of_text_in(text, height, width, segmentation);
  uint64_t pixels = 0;
  for (const uint32_t run : mask.runs) pixels += run;
  if (pixels != static_cast<uint64_t>(height * width))
    segmentation.refuse(fmt::format("has run lengths for {} pixels, its 'size' is {}x{}", pixels, height, width));
  return mask;
}

bool has_empty_run(const RunLengths& mask) {
  return mask.runs.size() > 2 && std::find(mask.runs.begin() + 1, mask.runs.end() - 1, 0u) < mask.runs.end() - 1;
}

}  // namespace boxseg
