#include "common/data/formats/voc/voc_image.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/voc/voc_annotation.h"
#include "common/data/photo_folder.h"
#include "common/data/photograph.h"
#include "common/io/image_container.h"
#include "common/io/mask.h"

namespace boxseg {
namespace {

// Of the numbers low..high (VOC's: inclusive) those that lie in 1..n, if any do.
bool clip(float& low, float& high, int64_t n, bool& is_clipped) {
  const float end = static_cast<float>(n);
  if (std::floor(low) > end || std::ceil(high) < 1) return false;
  is_clipped |= low < 1 || high > end;
  low = std::clamp(low, 1.0f, end);
  high = std::clamp(high, 1.0f, end);
  return true;
}

double area_of(const Box& box) { return (double{box.x1} - box.x0 + 1) * (double{box.y1} - box.y0 + 1); }

// The place of a class in the list, -1 where it is none of them.
int64_t id_of_class(const std::string& name, const std::vector<std::string>& class_names) {
  const auto found = std::find(class_names.begin() + 1, class_names.end(), name);
  return found == class_names.end() ? -1 : found - class_names.begin();
}

void take_boxes(Candidate& candidate, const VocAnnotation& annotation, const fs::path& path,
                const std::vector<std::string>& class_names) {
  const ImageSize size = candidate.entry.size;
  candidate.lost_boxes = annotation.bad_boxes;
  for (size_t i = 0; i < annotation.boxes.size(); ++i) {
    const VocBox& voc = annotation.boxes[i];
    const Box annotated{voc.xmin,        voc.ymin, voc.xmax, voc.ymax, id_of_class(voc.class_name, class_names),
                        voc.is_difficult};
    const int64_t object = voc.object;
    if (i > 0 && annotation.boxes[i - 1].object == object)
      candidate.doubts["boxes of an object"] =
          fmt::format("{}: object {} has several <bndbox>: each is taken as a box", path.string(), object);
    Box box = annotated;
    bool is_clipped = false;
    if (clip(box.x0, box.x1, size.width, is_clipped) && clip(box.y0, box.y1, size.height, is_clipped)) {
      candidate.entry.boxes.push_back(box);
      if (is_clipped)
        candidate.clipped.add(
            1 - area_of(box) / area_of(annotated),
            fmt::format("{}: object {}: ({}, {}, {}, {}) on {}x{} pixels", path.string(), object, annotated.x0,
                        annotated.y0, annotated.x1, annotated.y1, size.width, size.height));
    } else {
      candidate.lost_boxes.push_back(fmt::format(
          "{}: object {}: box ({}, {}, {}, {}) lies outside the image of {}x{} pixels (the first is 1 in VOC's "
          "numbers); correct it, or leave the image out of the list",
          path.string(), object, annotated.x0, annotated.y0, annotated.x1, annotated.y1, size.width, size.height));
    }
  }
}

void check_mask(Candidate& candidate, VocChecks& checks) {
  ImageEntry& entry = candidate.entry;
  const fs::path path = checks.layout.root / entry.mask_path;
  const size_t classes = checks.class_names.size();
  const LabelMap mask = read_mask(path);
  if (mask.height != entry.size.height || mask.width != entry.size.width)
    fail_input("{}: the mask has {}x{} pixels, its image {} has {}x{}; is it of another image?{}", path.string(),
               mask.width, mask.height, entry.path, entry.size.width, entry.size.height,
               reason_of_exchanged_sides({mask.height, mask.width}, entry.size));
  for (const uint8_t value : mask.pixels)
    if (value >= classes && value != 255)
      fail_input(
          "{}: the mask holds the value {}, but there are {} classes with background (and 255, void); is the class "
          "list the right one?",
          path.string(), value, classes);
  entry.mask_digest = digest_of_file(path);
  checks.labels.look_at(path, entry.boxes, mask, candidate.needs_boxes && candidate.lost_boxes.empty());
}

// Lines of other kinds of lists have several columns, quotes or Windows' paths.
bool looks_like_no_id(const std::string& id) { return id.find_first_of(" \t,;\"\\") != std::string::npos; }

void find_image(Candidate& candidate, const VocLayout& layout) {
  ImageEntry& entry = candidate.entry;
  const std::vector<std::string> found = layout.images_of(entry.id);
  if (found.empty())
    fail_input("{}: image '{}' is absent: no {}/{}.jpg (.jpeg, .png, ...) in {}{}; fetch it, or remove the line{}",
               candidate.listed_at, visible(entry.id), kVocImages, visible(entry.id), layout.root.string(),
               layout.image_names.near_miss(entry.id, image_suffixes()),
               looks_like_no_id(entry.id) ? " (a line of a list is the name of an image without its suffix)" : "");
  entry.path = found[0];
  if (found.size() > 1)
    candidate.doubts["images of a name"] =
        fmt::format("image '{}' may be any of {}: the first is taken", entry.id, join(found, ", "));
}

void take_photograph(Candidate& candidate, const fs::path& path) {
  Photograph photograph = look_at_photograph(path, candidate.entry.path);
  candidate.entry.size = photograph.size;
  candidate.entry.image_digest = photograph.digest;
  candidate.doubts.merge(photograph.doubts);
}

void read_boxes(Candidate& candidate, const VocChecks& checks) {
  const ImageEntry& entry = candidate.entry;
  const VocLayout& layout = checks.layout;
  const std::string name = layout.annotation_of(entry.id);
  if (name.empty()) {
    std::string near = layout.annotation_names.near_miss(entry.id, {".xml"});
    if (const auto beside = layout.image_names.find(entry.id, {".xml"}); near.empty() && !beside.empty())
      near = fmt::format("; there is {}/{}: move it to {}", kVocImages, beside[0], kVocAnnotations);
    if (candidate.needs_boxes)
      fail_input(
          "{}: no such file, so the boxes of image '{}' are not known{}. If it has no objects (labelImg writes no file "
          "then): write <annotation><size><width>{}</width><height>{}</height></size></annotation>, or name its split "
          "with --without-boxes",
          (layout.root / kVocAnnotations / (entry.id + ".xml")).string(), entry.id, near, entry.size.width,
          entry.size.height);
    if (!near.empty())
      candidate.doubts["an annotation nearly of the name"] =
          fmt::format("image '{}' is taken without boxes{}", entry.id, near);
    return;
  }
  const fs::path annotation = layout.root / name;
  const VocAnnotation a = read_voc_annotation(annotation);
  if (!a.rotated.empty())
    candidate.doubts["a rotated box"] = fmt::format(
        "{} was drawn as a rotated box: its upright <bndbox> is taken, which may not hold the object", a.rotated);
  const std::string named = fs::path(a.image_name).stem().string();
  if (named != fs::path(entry.id).filename() && checks.ids.count(named) > 0)
    candidate.doubts["an annotation of another image"] =
        fmt::format("{}: <filename> is {}, another image of the lists; is it the annotation of that one?",
                    annotation.string(), a.image_name);
  if (a.size == ImageSize{})
    candidate.doubts["size of an annotation"] =
        fmt::format("{}: <size> is 0x0: the size of {} is taken, {}x{}; see that the boxes fit it", annotation.string(),
                    entry.path, entry.size.width, entry.size.height);
  else if (a.size != entry.size)
    fail_input(
        "{}: <size> says {}x{}, but {} has {}x{} pixels; is the annotation of another image, or was the image rotated "
        "or resized?{}",
        annotation.string(), a.size.width, a.size.height, entry.path, entry.size.width, entry.size.height,
        reason_of_exchanged_sides(a.size, entry.size));
  take_boxes(candidate, a, annotation, checks.class_names);
  for (const auto& [name, objects] : a.objects_of_class)
    if (id_of_class(name, checks.class_names) < 0) candidate.unknown_classes[name] = objects;
  const auto& lost = candidate.lost_boxes;
  if (!lost.empty() && (!checks.skips_bad_images || candidate.entry.boxes.empty())) fail_input("{}", lost[0]);
}

}  // namespace

void check_candidate(Candidate& candidate, VocChecks& checks) {
  ImageEntry& entry = candidate.entry;
  const VocLayout& layout = checks.layout;
  find_image(candidate, layout);
  const fs::path image = layout.root / entry.path;
  take_photograph(candidate, image);
  read_boxes(candidate, checks);
  if (candidate.unknown_classes.empty()) {
    entry.mask_path = layout.mask_of(entry.id);
    if (!entry.mask_path.empty()) {
      check_mask(candidate, checks);
    } else if (!layout.masks.empty()) {
      const std::string near = layout.mask_names.near_miss(entry.id, mask_suffixes(), true);
      if (!near.empty())
        candidate.doubts["a mask nearly of the name"] =
            fmt::format("image '{}' is taken without mask{}", entry.id, near);
    }
  }
}

}  // namespace boxseg
