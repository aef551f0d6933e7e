#include "common/data/formats/cvat/cvat_mask.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"

namespace boxseg {
namespace {

void check_rectangle(const CvatMask& mask, ImageSize image, const std::string& where) {
  if (image.width <= 0 || image.height <= 0)
    fail_input("{}: a mask needs the size of its image; add width=\"...\" and height=\"...\" to <image>", where);
  if (image.width > std::numeric_limits<uint32_t>::max() / image.height)
    fail_input("{}: the image has {}x{} pixels, too many for a mask; correct its size", where, image.width,
               image.height);
  if (mask.left < 0 || mask.top < 0 || mask.width < 1 || mask.height < 1 || mask.width > image.width - mask.left ||
      mask.height > image.height - mask.top)
    fail_input(
        "{}: its rectangle, left {} top {} width {} height {}, is empty or not within the image of {}x{} pixels; "
        "correct it, or remove the shape",
        where, mask.left, mask.top, mask.width, mask.height, image.width, image.height);
}

// The pixels of the rectangle, row by row.
std::vector<bool> read_rows(const CvatMask& mask, const std::string& where) {
  const auto area = static_cast<uint64_t>(mask.width * mask.height);
  std::vector<bool> pixels(area);
  uint64_t at = 0;
  bool is_object = false;
  for (const std::string& text : split(mask.runs, ',')) {
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc{} || end != text.data() + text.size())
      fail_input("{}: its rle has '{}', expected a number of pixels; export the task again, or remove the shape", where,
                 visible(text));
    if (length > area - at)
      fail_input(
          "{}: its rle is of more pixels than its rectangle of {}x{}; export the task again, or remove the shape",
          where, mask.width, mask.height);
    if (is_object) std::fill_n(pixels.begin() + static_cast<int64_t>(at), length, true);
    at += length;
    is_object = !is_object;
  }
  if (at != area)
    fail_input("{}: its rle is of {} pixels, its rectangle of {}x{}; export the task again, or remove the shape", where,
               at, mask.width, mask.height);
  return pixels;
}

// Run lengths that grow at their end; the first is of zeros.
class Runs {
 public:
  void add(bool value, uint64_t length) {
    if (length == 0) return;
    if (value != last_) lengths_.push_back(0), last_ = value;
    lengths_.back() += static_cast<uint32_t>(length);
  }
  std::vector<uint32_t> take() { return std::move(lengths_); }

 private:
  std::vector<uint32_t> lengths_{0};
  bool last_ = false;
};

}  // namespace

std::vector<uint32_t> column_runs(const CvatMask& mask, ImageSize image, const std::string& where) {
  check_rectangle(mask, image, where);
  const std::vector<bool> pixels = read_rows(mask, where);
  if (std::find(pixels.begin(), pixels.end(), true) == pixels.end())
    fail_input("{}: the mask has no pixel; remove the shape", where);
  const auto height = static_cast<uint64_t>(image.height);
  const auto above = static_cast<uint64_t>(mask.top),
             below = static_cast<uint64_t>(image.height - mask.top - mask.height);
  Runs runs;
  runs.add(false, static_cast<uint64_t>(mask.left) * height);
  for (int64_t x = 0; x < mask.width; ++x) {
    runs.add(false, above);
    for (int64_t y = 0; y < mask.height; ++y) runs.add(pixels[static_cast<size_t>(y * mask.width + x)], 1);
    runs.add(false, below);
  }
  runs.add(false, static_cast<uint64_t>(image.width - mask.left - mask.width) * height);
  return runs.take();
}

}  // namespace boxseg
