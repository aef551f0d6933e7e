#include "common/data/formats/coco/coco_outline.h"

#include <algorithm>
#include <cmath>

#include "common/data/formats/coco/coco_counts.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

constexpr double kFarthest = 1e6;  // of a point, in pixels: photographs are smaller

// "has ...", without file and place, which the caller puts in front.
std::string without_place(const std::string& message, const CocoPlace& place) {
  const std::string front = fmt::format("{}: {}[{}] ", place.file.string(), place.list, place.index);
  return message.starts_with(front) ? message.substr(front.size()) : message;
}

void add_ring(const dom::element& polygon, const CocoEntry& entry, CocoOutline& outline) {
  if (!polygon.is_array())
    entry.refuse(fmt::format("has {} in 'segmentation', expected a list of polygons [[x0, y0, x1, y1, ...], ...]",
                             shown(polygon)));
  std::vector<double> ring = numbers_of(polygon, "segmentation", entry.place());
  if (ring.empty()) return;
  if (ring.size() % 2 != 0)
    entry.refuse(
        fmt::format("has a polygon of {} numbers in 'segmentation', expected x and y of each point", ring.size()));
  for (const double x : ring)
    if (!(std::abs(x) <= kFarthest)) entry.refuse(fmt::format("has {} in 'segmentation', expected pixels", x));
  if (ring.size() < 6) {
    if (outline.trouble.empty())
      outline.trouble =
          fmt::format("has a polygon of {} points in 'segmentation', expected three or more", ring.size() / 2);
    return;
  }
  outline.rings.push_back(std::move(ring));
}

void take(const dom::element& segmentation, const CocoEntry& entry, ImageSize image, CocoOutline& outline) {
  dom::array polygons;
  dom::object counts;
  if (!segmentation.get_array().get(polygons)) {
    outline.rings.reserve(polygons.size());
    for (const dom::element polygon : polygons) add_ring(polygon, entry, outline);
  } else if (!segmentation.get_object().get(counts)) {
    if (counts.size() == 0) return;
    outline.mask = mask_of_counts(CocoEntry(segmentation, entry.place()));
    const bool has_size = image.height > 0 && image.width > 0;
    if (has_size && (outline.mask.height != image.height || outline.mask.width != image.width))
      entry.refuse(fmt::format("has a mask of {}x{} in 'segmentation', its image is of {}x{} pixels",
                               outline.mask.width, outline.mask.height, image.width, image.height));
  } else if (!segmentation.is_null()) {
    entry.refuse(fmt::format("has {} as 'segmentation', expected polygons or run lengths", shown(segmentation)));
  }
}

}  // namespace

std::array<double, 4> edges_of(const std::vector<double>& ring) {
  std::array<double, 4> edges{ring[0], ring[1], ring[0], ring[1]};
  for (size_t i = 0; i < ring.size(); ++i) {
    edges[i % 2] = std::min(edges[i % 2], ring[i]);
    edges[2 + i % 2] = std::max(edges[2 + i % 2], ring[i]);
  }
  return edges;
}

std::optional<std::array<double, 4>> CocoOutline::edges() const {
  if (!mask.runs.empty()) {
    if (area_of(mask) == 0) return std::nullopt;
    const CocoBox box = box_of(mask);
    return std::array<double, 4>{box[0], box[1], box[0] + box[2], box[1] + box[3]};
  }
  if (rings.empty()) return std::nullopt;
  std::array<double, 4> all = edges_of(rings[0]);
  for (const auto& ring : rings) {
    const std::array<double, 4> edges = edges_of(ring);
    for (size_t i = 0; i < 2; ++i) all[i] = std::min(all[i], edges[i]), all[i + 2] = std::max(all[i + 2], edges[i + 2]);
  }
  return all;
}

CocoOutline outline_in(const CocoEntry& annotation, ImageSize image) {
  CocoOutline outline;
  dom::element segmentation;
  if (!annotation.find("segmentation", segmentation)) return outline;
  try {
    take(segmentation, annotation, image, outline);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::bad_input) throw;
    outline = {};
    outline.trouble = without_place(e.what(), annotation.place());
  }
  return outline;
}

}  // namespace boxseg
