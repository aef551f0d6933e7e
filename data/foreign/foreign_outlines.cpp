#include "data/foreign/foreign_outlines.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/boxes.h"
#include "common/data/formats/box_reader.h"
#include "common/data/formats/coco/coco_mask.h"
#include "common/data/formats/coco/coco_results.h"
#include "common/data/outlined_mask.h"
#include "common/data/photos_with_boxes.h"
#include "common/io/orientation.h"
#include "common/io/resized.h"

namespace boxseg {
namespace {

bool has_outline(const AnnotatedBox& object) { return !object.rings.empty() || !object.runs.empty(); }

// Of the image in which an annotation's outlines are drawn.
ImageSize size_of_outlines(const AnnotatedImage& annotated, const ImageEntry& image) {
  const ImageSize photograph = image.photo_size();
  const auto take = [&](ImageSize size, const std::string& place) {
    if (size != image.size && size != photograph)
      fail_input("{}: {} is of {}x{} pixels, image '{}' has {}x{}; are these masks of another copy of it?{}",
                 annotated.file.string(), place, size.width, size.height, image.id, photograph.width, photograph.height,
                 reason_of_exchanged_sides(size, photograph));
    return size;
  };
  ImageSize size = photograph;
  if (annotated.size != ImageSize{}) size = take(annotated.size, "'" + visible(annotated.name) + "'");
  for (const AnnotatedBox& object : annotated.boxes)
    if (!object.runs.empty() && object.runs_size != size) size = take(object.runs_size, object.place);
  return size;
}

// What nobody has outlined inside the box of an object is void.
void leave_open(const AnnotatedBox& object, LabelMap& labels) {
  const auto within = [](double edge, int64_t side) {
    return static_cast<int64_t>(std::clamp(edge, 0.0, static_cast<double>(side)));
  };
  const int64_t x1 = within(std::ceil(object.x1), labels.width), y1 = within(std::ceil(object.y1), labels.height);
  for (int64_t y = within(std::floor(object.y0), labels.height); y < y1; ++y)
    for (int64_t x = within(std::floor(object.x0), labels.width); x < x1; ++x)
      if (labels.at(y, x) == 0) labels.at(y, x) = 255;
}

}  // namespace

BoxAnnotations outlines_in(const fs::path& file_or_folder, bool skips_bad, int threads) {
  BoxAnnotations annotations = read_boxes(file_or_folder, threads, "--masks");
  for (const auto& bad : annotations.bad_boxes) {
    if (!skips_bad)
      fail_input("{} ({} such objects; --on-bad-image skip leaves them out)", bad, annotations.bad_boxes.size());
    log_warning("left out: {}", bad);
  }
  size_t objects = 0;
  for (const auto& image : annotations.images) objects += image.boxes.size();
  std::erase_if(annotations.images, [](const AnnotatedImage& image) {
    return std::none_of(image.boxes.begin(), image.boxes.end(), has_outline);
  });
  if (annotations.images.empty())
    fail_input("{}: none of its {} objects ({}) has an outline; masks are polygons, run lengths, or label PNGs",
               file_or_folder.string(), objects, annotations.format);
  return annotations;
}

BoxAnnotations detections_in(const fs::path& file, const Dataset& dataset, int threads) {
  if (dataset.class_ids.empty()) {
    const auto came = dataset.facts.find("format of the boxes");
    fail_input(
        "{}: is a list of detections, whose numbers are those of images and categories of a COCO file; the dataset "
        "keeps none{}: index COCO boxes again with `prepare boxes`, or give masks with names of images and classes",
        file.string(), came == dataset.facts.end() ? "" : fmt::format(" (its boxes came as {})", came->second));
  }
  log_info("masks are read as COCO's list of detections: {}", file.string());
  CocoNames names;
  for (const auto& image : dataset.images) names.image_of_id[image.source_id] = image.photo_path();
  for (size_t c = 0; c < dataset.class_ids.size(); ++c)
    names.class_of_id[dataset.class_ids[c]] = dataset.class_names[c + 1];
  BoxAnnotations detections = read_coco_results(file, names, threads);
  if (detections.images.empty())
    fail_input("{}: holds no mask of an image of the dataset{}", file.string(),
               detections.doubts.empty() ? "" : ": " + detections.doubts[0]);
  return detections;
}

ForeignOutlines::ForeignOutlines(BoxAnnotations annotations, const fs::path& masks, const Dataset& dataset)
    : annotations_(std::move(annotations)), masks_(masks), dataset_(dataset) {
  for (const auto& doubt : annotations_.doubts) log_warning("{}", doubt);
}

PhotoNames::Match ForeignOutlines::photograph_of(size_t mask, const PhotoNames& photographs) const {
  return photographs.find(annotations_.images[mask], masks_);
}

int64_t ForeignOutlines::class_of(const AnnotatedImage& annotated, const AnnotatedBox& object) const {
  const auto& names = dataset_.class_names;
  const auto found = std::find(names.begin() + 1, names.end(), object.class_name);
  if (found == names.end())
    fail_input("{}: {} is of class '{}', which the dataset lacks; it has: {}", annotated.file.string(), object.place,
               visible(object.class_name), join({names.begin() + 1, names.end()}, ", "));
  return found - names.begin();
}

std::vector<const AnnotatedBox*> ForeignOutlines::surest(const AnnotatedImage& annotated,
                                                         const std::vector<AnnotatedBox>& detections, ImageSize size,
                                                         const ImageEntry& image) const {
  const double sx = static_cast<double>(size.width) / static_cast<double>(image.size.width),
               sy = static_cast<double>(size.height) / static_cast<double>(image.size.height);
  std::vector<const AnnotatedBox*> of_box(image.boxes.size());
  for (const AnnotatedBox& detection : detections) {
    const int64_t class_id = class_of(annotated, detection);
    double most = 0;
    size_t place = of_box.size();
    for (size_t b = 0; b < image.boxes.size(); ++b) {
      const Box box = in_edges(image.boxes[b], dataset_.box_numbers);
      if (box.class_id != class_id) continue;
      const double overlap =
          box_iou({detection.x0, detection.y0, detection.x1 - detection.x0, detection.y1 - detection.y0},
                  {sx * box.x0, sy * box.y0, sx * (box.x1 - box.x0), sy * (box.y1 - box.y0)}, false);
      if (overlap > most) most = overlap, place = b;
    }
    if (place < of_box.size() && (of_box[place] == nullptr || detection.score > of_box[place]->score))
      of_box[place] = &detection;
  }
  std::erase(of_box, nullptr);
  return of_box;
}

LabelMap ForeignOutlines::read(size_t mask, const ImageEntry& image) const {
  const AnnotatedImage& annotated = annotations_.images[mask];
  const ImageSize size = size_of_outlines(annotated, image);
  std::vector<AnnotatedBox> objects;
  for (const AnnotatedBox& object : annotated.boxes)
    objects.push_back(annotations_.is_in_shares ? in_pixels(object, size) : object);
  std::vector<const AnnotatedBox*> drawn;
  if (annotations_.is_of_detections)
    drawn = surest(annotated, objects, size, image);
  else
    for (const AnnotatedBox& object : objects)
      if (has_outline(object)) drawn.push_back(&object);
  std::vector<OutlinedObject> outlined;
  for (const AnnotatedBox* object : drawn) outlined.push_back({object, class_of(annotated, *object)});
  LabelMap labels = mask_of_outlines(outlined, size, size);
  for (const AnnotatedBox& object : objects)
    if (!has_outline(object)) leave_open(object, labels);
  return resized(labels, image.size);
}

}  // namespace boxseg
