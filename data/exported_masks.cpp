#include "data/exported_masks.h"

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/labels/labelled_boxes.h"
#include "common/labels/outlines.h"
#include "common/labels/owned_pixels.h"
#include "common/labels/shard.h"

namespace boxseg {
namespace {

bool is_of_stage2(const fs::path& folder) { return fs::is_directory(folder / "Y_crf"); }

}  // namespace

LabelMap exported_labels(const ExportOptions& options, const ImageEntry& image) {
  const fs::path file = is_of_stage2(options.labels) ? fs::path(y_crf_file(image.id)) : output_name(image.id) += ".png";
  if (!fs::exists(options.labels / file))
    fail_input("{}: is not there; --labels names a folder of stage 2, or one of label PNGs, ID.png",
               (options.labels / file).string());
  return read_labels_of(options.labels / file, image);
}

int64_t boxes_to_export(const ExportOptions& options) {
  int64_t count = 0;
  for (const int64_t i : options.dataset.split(options.split))
    for (const Box& box : options.dataset.images[static_cast<size_t>(i)].boxes) count += !box.is_crowd;
  return count;
}

std::vector<ExportedMask> exported_masks(const ExportOptions& options, const ImageEntry& image) {
  const LabelMap y_crf = exported_labels(options, image);
  const LabelMap y_ret = is_of_stage2(options.labels) ? read_y_ret(options.labels, image) : LabelMap();
  const Dataset& d = options.dataset;
  const auto [boxes, owners, measured] = options.is_per_class ? labelled_classes(d.classes(), y_crf, y_ret)
                                                              : labelled_boxes(image, d.box_numbers, y_crf, y_ret);
  std::vector<ExportedMask> masks(boxes.size());
  for (size_t i = 0; i < masks.size(); ++i) {
    throw_if_interrupted();
    const OwnedPixels owned = owned_pixels(owners, image.size, i, boxes[i]);
    masks[i] = {boxes[i], outlines_of(owned.is_owned, owned.height, owned.width, options.tolerance), measured[i].pixels,
                measured[i].pixels == 0 ? 0 : 1 - measured[i].disagreement()};
    for (auto& ring : masks[i].rings)
      for (size_t k = 0; k < ring.size(); ++k) ring[k] += static_cast<double>(k % 2 == 0 ? owned.x0 : owned.y0);
  }
  return masks;
}

}  // namespace boxseg
