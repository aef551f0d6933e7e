#include "stage2_pseudolabel/given_masks.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/data/box_pixels.h"
#include "common/data/import_labels.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/io/mask.h"
#include "common/labels/shard.h"
#include "common/pipeline/stage/label_classes.h"

namespace boxseg {
namespace {

bool is_open(const PixelBox& box, const LabelMap& given) {
  return !any_pixel(box, given.width, [&](size_t p) { return given.pixels[p] == box.class_id; });
}

}  // namespace

GivenMasks::GivenMasks(const fs::path& folder, const Dataset& dataset) : folder_(folder), classes_(dataset.classes()) {
  if (folder.empty()) return;
  const fs::path path = folder / "manifest.h5";
  if (!fs::exists(path))
    fail_input("--given-masks {}: has no manifest.h5; make it with `prepare labels --masks`", folder.string());
  const Manifest manifest = read_manifest(path);
  if (const std::string difference = other_classes(manifest, dataset.class_names); !difference.empty())
    fail_input("--given-masks {}: was made for other classes: {}; run `prepare labels --masks` again", folder.string(),
               difference);
  for (const auto& output : manifest.outputs)
    if (output.path.starts_with("Y_crf/")) listed_[output.path] = output.digest;
  if (listed_.empty()) fail_input("--given-masks {}: its manifest lists no label map in Y_crf", folder.string());
}

bool GivenMasks::has(const ImageEntry& image) const { return listed_.count(y_crf_file(image.id)) > 0; }

LabelMap GivenMasks::read(const ImageEntry& image) const {
  const std::string file = y_crf_file(image.id);
  LabelMap labels = read_label_png(folder_ / file);
  require_map_of(image, labels, classes_, folder_ / file);
  if (digest_of_labels(labels) != listed_.at(file))
    fail_input("{}: has other labels than when it was made; run `prepare labels` again", (folder_ / file).string());
  return labels;
}

LabelMap read_true_mask(const Dataset& dataset, const ImageEntry& image) {
  const fs::path path = dataset.mask_path(image);
  LabelMap labels = read_mask(path);
  require_map_of(image, labels, dataset.classes(), path);
  if (!image.mask_digest.empty() && digest_of_file(path) != image.mask_digest)
    fail_input("{}: is not the file that prepare indexed; run prepare again", path.string());
  return labels;
}

bool leaves_something_open(const LabelMap& given, const Geometry& geometry) {
  return std::any_of(geometry.boxes.begin(), geometry.boxes.end(), [&](const PixelBox& box) {
    return is_open(box, given) || any_pixel(box, given.width, [&](size_t p) { return given.pixels[p] == kVoid; });
  });
}

LabelMap join_given(const LabelMap& given, const LabelMap& crf, const Geometry& geometry) {
  LabelMap labels(given.height, given.width);
  for (const PixelBox& box : geometry.boxes)
    for_each_pixel(box, given.width, [&](size_t p) {
      if (given.pixels[p] == box.class_id) labels.pixels[p] = given.pixels[p];
    });
  for (const PixelBox& box : geometry.boxes) {
    const bool takes_all = is_open(box, given);
    for_each_pixel(box, given.width, [&](size_t p) {
      const bool is_void = given.pixels[p] == kVoid;
      if (is_void) labels.pixels[p] = crf.pixels[p];
      if (takes_all && !is_void && labels.pixels[p] == 0 && crf.pixels[p] == box.class_id)
        labels.pixels[p] = crf.pixels[p];
    });
  }
  return labels;
}

}  // namespace boxseg
