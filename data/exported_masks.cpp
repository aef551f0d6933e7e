#include "data/exported_masks.h"

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/data/boxes.h"
#include "common/io/label_png.h"
#include "common/labels/box_masks.h"
#include "common/labels/outlines.h"
#include "common/labels/shard.h"

namespace boxseg {
namespace {

LabelMap read_labels(const fs::path& path, const ImageEntry& image) {
  LabelMap labels = read_label_png(path);
  if (labels.height != image.size.height || labels.width != image.size.width)
    fail_input("{}: has {}x{} pixels, but image '{}' has {}x{}; is it of another dataset?", path.string(), labels.width,
               labels.height, image.id, image.size.width, image.size.height);
  return labels;
}

bool is_of_stage2(const fs::path& folder) { return fs::is_directory(folder / "Y_crf"); }

}  // namespace

LabelMap exported_labels(const ExportOptions& options, const ImageEntry& image) {
  const fs::path file = is_of_stage2(options.labels) ? fs::path(y_crf_file(image.id)) : output_name(image.id) += ".png";
  if (!fs::exists(options.labels / file))
    fail_input("{}: is not there; --labels names a folder of stage 2, or one of label PNGs, ID.png",
               (options.labels / file).string());
  return read_labels(options.labels / file, image);
}

std::vector<ExportedMask> exported_masks(const ExportOptions& options, const ImageEntry& image) {
  const LabelMap y_crf = exported_labels(options, image);
  const fs::path other = options.labels / y_ret_file(image.id);
  const LabelMap y_ret = is_of_stage2(options.labels) && fs::exists(other) ? read_labels(other, image) : LabelMap();
  auto boxes = pixel_boxes(image.boxes, image.size, exact_convention(options.dataset.box_numbers));
  for (size_t i = 0; i < boxes.size(); ++i)  // a crowd's box takes no pixel from another one
    if (image.boxes[i].is_crowd) boxes[i] = {0, 0, 0, 0, image.boxes[i].class_id};
  const auto owners = owners_of_pixels(y_crf, boxes);
  const auto measured = measure_box_masks(y_crf, y_ret, boxes);
  std::vector<ExportedMask> masks(boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    if (image.boxes[i].is_crowd) continue;
    throw_if_interrupted();
    std::vector<uint8_t> pixels(owners.size());
    for (size_t p = 0; p < owners.size(); ++p) pixels[p] = owners[p] == static_cast<int32_t>(i);
    masks[i] = {outlines_of(pixels, image.size.height, image.size.width, options.tolerance), measured[i].pixels,
                measured[i].pixels == 0 ? 0 : 1 - measured[i].disagreement()};
  }
  return masks;
}

}  // namespace boxseg
