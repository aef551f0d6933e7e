#include "common/data/placed_boxes.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/visible_text.h"
#include "common/io/orientation.h"

namespace boxseg {
namespace {

void note_clipped(const AnnotatedBox& box, const Box& edges, const BoxPlace& place, ClippedBoxes& clipped) {
  const double image_per_photo = static_cast<double>(place.image.height * place.image.width) /
                                 static_cast<double>(place.photo.height * place.photo.width);
  const double lost = 1 - double{edges.x1 - edges.x0} * double{edges.y1 - edges.y0} /
                              ((box.x1 - box.x0) * (box.y1 - box.y0) * image_per_photo);
  clipped.add(lost, fmt::format("{}: {}: ({}, {}, {}, {}) on {}x{} pixels", place.file.string(), box.place, box.x0,
                                box.y0, box.x1, box.y1, place.photo.width, place.photo.height));
}

}  // namespace

PlacedBoxes place_boxes(const std::vector<AnnotatedBox>& boxes, const ClassNumbers& class_of, const BoxPlace& place) {
  const auto w = static_cast<double>(place.photo.width), h = static_cast<double>(place.photo.height);
  const double x = static_cast<double>(place.image.width) / w, y = static_cast<double>(place.image.height) / h;
  PlacedBoxes placed;
  placed.boxes.reserve(boxes.size());
  bool has_ids = false;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const AnnotatedBox& box = boxes[i];
    const Box edges{static_cast<float>(std::clamp(box.x0, 0.0, w) * x),
                    static_cast<float>(std::clamp(box.y0, 0.0, h) * y),
                    static_cast<float>(std::clamp(box.x1, 0.0, w) * x),
                    static_cast<float>(std::clamp(box.y1, 0.0, h) * y),
                    class_of.at(box.class_name),
                    box.is_difficult,
                    box.is_crowd};
    if (!(edges.x0 < edges.x1 && edges.y0 < edges.y1)) {
      placed.lost.push_back(i);
      continue;
    }
    if (box.x0 < 0 || box.y0 < 0 || box.x1 > w || box.y1 > h) note_clipped(box, edges, place, placed.clipped);
    placed.boxes.push_back(edges);
    placed.ids.push_back(box.id);
    placed.annotated.push_back(i);
    has_ids |= !box.id.empty();
  }
  if (!has_ids) placed.ids.clear();
  return placed;
}

std::string describe_lost(const AnnotatedBox& box, const BoxPlace& place) {
  return fmt::format("{}: {}: box ({}, {}, {}, {}) has no pixel of {}, which has {}x{}; correct it, or remove it",
                     place.file.string(), box.place, box.x0, box.y0, box.x1, box.y1, place.path, place.photo.width,
                     place.photo.height);
}

void require_annotated_size(const AnnotatedImage& annotated, const std::string& path, ImageSize photo) {
  if (annotated.size == ImageSize{} || annotated.size == photo) return;
  fail_input("{}: says that '{}' has {}x{} pixels, but {} has {}x{}; was the photograph resized or turned?{}",
             annotated.file.string(), visible(annotated.name), annotated.size.width, annotated.size.height, path,
             photo.width, photo.height, reason_of_exchanged_sides(annotated.size, photo));
}

}  // namespace boxseg
