#include "common/data/boxes.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

struct Span {
  int64_t begin, end;
};

// Clips to [0, n), and keeps at least one pixel.
Span clip(int64_t begin, int64_t end, int64_t n) {
  begin = std::clamp<int64_t>(begin, 0, n - 1);
  end = std::clamp<int64_t>(end, begin + 1, n);
  return {begin, end};
}

float normalise(float x, int64_t n, float end_of_single_pixel) {
  const float half = static_cast<float>(n - 1) / 2;
  if (half == 0) return end_of_single_pixel;
  return x / half - 1;
}

// Goes the authors' way from annotation numbers to stage 2's integers: two roundings there and two back, all in
// float32.
int64_t round_trip(float x, int64_t n) {
  const float half = static_cast<float>(n - 1) / 2;
  if (half == 0) return static_cast<int64_t>(x);
  const float normalised = x / half - 1;
  return static_cast<int64_t>(normalised * half + half);
}

Span span_of(float x0, float x1, int64_t n, BoxConvention convention) {
  if (convention == BoxConvention::reference) return clip(round_trip(x0, n), round_trip(x1, n), n);
  const int64_t first = convention == BoxConvention::exact ? 1 : 0;
  return clip(static_cast<int64_t>(std::floor(x0)) - first, static_cast<int64_t>(std::ceil(x1)), n);
}

Span mask_span_of(float x0, float x1, int64_t n, BoxConvention convention) {
  if (convention != BoxConvention::reference) return span_of(x0, x1, n, convention);
  return clip(static_cast<int64_t>(x0), static_cast<int64_t>(x1), n);
}

}  // namespace

Box in_edges(Box box, BoxNumbers numbers) {
  if (numbers == BoxNumbers::voc) box.x0 -= 1, box.y0 -= 1;
  return box;
}

Box in_photograph(Box edges, const ImageEntry& image) {
  if (!image.is_copy()) return edges;
  // Multiplied first, so that edges which were whole pixels come back as such.
  const auto scaled = [](float x, int64_t photo, int64_t copy) {
    return static_cast<float>(double{x} * static_cast<double>(photo) / static_cast<double>(copy));
  };
  edges.x0 = scaled(edges.x0, image.source_size.width, image.size.width);
  edges.x1 = scaled(edges.x1, image.source_size.width, image.size.width);
  edges.y0 = scaled(edges.y0, image.source_size.height, image.size.height);
  edges.y1 = scaled(edges.y1, image.source_size.height, image.size.height);
  return edges;
}

std::vector<NormalisedBox> normalise_boxes(const std::vector<Box>& boxes, ImageSize size) {
  std::vector<NormalisedBox> result;
  result.reserve(boxes.size());
  for (const Box& b : boxes)
    result.push_back({normalise(b.x0, size.width, -1), normalise(b.y0, size.height, -1), normalise(b.x1, size.width, 1),
                      normalise(b.y1, size.height, 1), b.class_id});
  return result;
}

BoxConvention parse_box_convention(const std::string& name) {
  if (name == "reference") return BoxConvention::reference;
  if (name == "exact") return BoxConvention::exact;
  const std::string close = nearest(name, {"reference", "exact"});
  fail_usage("--box-convention: '{}' is not one of reference, exact{}", name,
             close.empty() ? "" : fmt::format("; did you mean '{}'?", close));
}

BoxConvention exact_convention(BoxNumbers numbers) {
  return numbers == BoxNumbers::edges ? BoxConvention::edges : BoxConvention::exact;
}

BoxConvention convention_for(const Dataset& dataset, const std::string& name) {
  const BoxConvention of_voc = parse_box_convention(name);
  return dataset.box_numbers == BoxNumbers::edges ? BoxConvention::edges : of_voc;
}

std::vector<PixelBox> pixel_boxes(const std::vector<Box>& boxes, ImageSize size, BoxConvention convention) {
  std::vector<PixelBox> result;
  result.reserve(boxes.size());
  for (const Box& b : boxes) {
    const Span x = span_of(b.x0, b.x1, size.width, convention), y = span_of(b.y0, b.y1, size.height, convention);
    result.push_back({x.begin, y.begin, x.end, y.end, b.class_id});
  }
  return result;
}

std::vector<uint8_t> background_mask(const std::vector<Box>& boxes, ImageSize size, BoxConvention convention) {
  std::vector<uint8_t> mask(static_cast<size_t>(size.height * size.width), 1);
  for (const Box& b : boxes) {
    const Span x = mask_span_of(b.x0, b.x1, size.width, convention);
    const Span y = mask_span_of(b.y0, b.y1, size.height, convention);
    for (int64_t row = y.begin; row < y.end; ++row)
      std::fill_n(mask.begin() + row * size.width + x.begin, x.end - x.begin, uint8_t{0});
  }
  return mask;
}

}  // namespace boxseg
