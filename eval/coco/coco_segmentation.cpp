#include "eval/coco/coco_segmentation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/data/formats/coco/coco_counts.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

// Masks count their pixels, and change at pixels, in 32 bits. Outlines are drawn in ints on a grid five times finer.
constexpr int64_t kMostPixels = std::numeric_limits<uint32_t>::max();
constexpr double kFarthest = 1e8;

void require_size(const CocoTruth::Image& image, const CocoEntry& entry) {
  if (image.height < 0 || image.width < 0)
    entry.refuse(
        fmt::format("is of image {}, which lacks the 'height' and 'width' that masks of polygons and boxes need; "
                    "write them in 'images', or evaluate --type bbox",
                    shown(image.id)));
  if (image.height > kMostPixels || image.width > kMostPixels || image.height * image.width > kMostPixels)
    entry.refuse(fmt::format("is of image {}, which is said to be {} high and {} wide", shown(image.id), image.height,
                             image.width));
}

void require_near(const std::vector<double>& polygon, const CocoEntry& entry) {
  for (const double x : polygon)
    if (!(std::abs(x) <= kFarthest))
      entry.refuse(fmt::format("has {} in 'segmentation', expected pixels of an image", x));
}

std::vector<double> polygon_in(const dom::element& element, const CocoEntry& entry, CocoRemarks& remarks) {
  dom::array list;
  if (element.get_array().get(list))
    entry.refuse(fmt::format("has {} in 'segmentation', expected a list of polygons [[x0, y0, x1, y1, ...], ...]",
                             shown(element)));
  dom::element first;
  if (!list.at(0).get(first) && first.is_array())
    entry.refuse("has points in brackets of their own in 'segmentation', expected polygons [x0, y0, x1, y1, ...]");
  std::vector<double> polygon = numbers_of(element, "segmentation", entry.place());
  require_near(polygon, entry);
  if (polygon.size() % 2 != 0)
    remarks.add(CocoRemark::odd_polygon, entry.place(),
                fmt::format("has a polygon of {} numbers, of which the last one is left out", polygon.size()));
  return polygon;
}

RunLengths mask_of_polygon_list(const dom::array& list, const CocoEntry& entry, const CocoTruth::Image& image,
                                CocoRemarks& remarks) {
  std::vector<std::vector<double>> polygons;
  for (const dom::element polygon : list) polygons.push_back(polygon_in(polygon, entry, remarks));
  if (polygons.empty())
    entry.refuse("has an empty list as 'segmentation'; leave out what has no mask, or evaluate --type bbox");
  if (polygons[0].size() < 5)
    entry.refuse(
        fmt::format("has a first polygon of {} numbers in 'segmentation', expected three points or more; "
                    "a box has four: x0, y0, x1, y0, x1, y1, x0, y1",
                    polygons[0].size()));
  require_size(image, entry);
  return mask_of_polygons(polygons, image.height, image.width);
}

}  // namespace

RunLengths mask_in(const CocoEntry& entry, const CocoTruth::Image& image, CocoRemarks& remarks) {
  dom::element segmentation;
  if (!entry.find("segmentation", segmentation)) entry.refuse("has no 'segmentation'; --type bbox needs none");
  dom::array polygons;
  if (!segmentation.get_array().get(polygons)) return mask_of_polygon_list(polygons, entry, image, remarks);
  if (!segmentation.is_object())
    entry.refuse(
        fmt::format("has {} as 'segmentation', which is neither polygons nor run lengths; --type bbox needs none",
                    shown(segmentation)));
  RunLengths mask = mask_of_counts(CocoEntry(segmentation, entry.place()));
  if (has_empty_run(mask))
    remarks.add(
        CocoRemark::empty_run, entry.place(),
        "has runs of no pixel in 'segmentation.counts', which COCOeval compares wrongly; join the runs beside them");
  const bool has_size = image.height >= 0 && image.width >= 0;
  if (has_size && (mask.height != image.height || mask.width != image.width))
    remarks.add(CocoRemark::other_size, entry.place(),
                fmt::format("has a mask {} high and {} wide, and its image {} is {} high and {} wide: masks of "
                            "different sizes never meet",
                            mask.height, mask.width, shown(image.id), image.height, image.width));
  return mask;
}

RunLengths mask_of_box(const CocoBox& box, const CocoEntry& entry, const CocoTruth::Image& image) {
  const std::vector<double> polygon = polygon_of_box(box);
  require_near(polygon, entry);
  require_size(image, entry);
  return mask_of_polygons({polygon}, image.height, image.width);
}

}  // namespace boxseg
