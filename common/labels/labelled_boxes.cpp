#include "common/labels/labelled_boxes.h"

#include "common/base/error.h"
#include "common/io/label_png.h"
#include "common/labels/shard.h"

namespace boxseg {

LabelMap read_labels_of(const fs::path& path, const ImageEntry& image) {
  LabelMap labels = read_label_png(path);
  if (labels.height != image.size.height || labels.width != image.size.width)
    fail_input("{}: has {}x{} pixels, but image '{}' has {}x{}; is it of another dataset?", path.string(), labels.width,
               labels.height, image.id, image.size.width, image.size.height);
  return labels;
}

LabelMap read_y_ret(const fs::path& folder, const ImageEntry& image) {
  const fs::path path = folder / y_ret_file(image.id);
  return fs::exists(path) ? read_labels_of(path, image) : LabelMap();
}

LabelledBoxes labelled_boxes(const ImageEntry& image, BoxNumbers numbers, const LabelMap& y_crf,
                             const LabelMap& y_ret) {
  auto boxes = pixel_boxes(image.boxes, image.size, exact_convention(numbers));
  for (size_t i = 0; i < boxes.size(); ++i)
    if (image.boxes[i].is_crowd) boxes[i] = {0, 0, 0, 0, image.boxes[i].class_id};
  LabelledBoxes labelled;
  labelled.owners = owners_of_pixels(y_crf, boxes);
  labelled.masks = measure_box_masks(y_crf, labelled.owners, y_ret, boxes);
  labelled.boxes = std::move(boxes);
  return labelled;
}

LabelledBoxes labelled_classes(int64_t classes, const LabelMap& y_crf, const LabelMap& y_ret) {
  LabelledBoxes labelled;
  labelled.boxes = boxes_of_classes(y_crf, classes);
  labelled.owners = owners_of_pixels(y_crf, labelled.boxes);
  auto whole = labelled.boxes;  // in Y_ret a class may reach further
  for (PixelBox& box : whole) box = {0, 0, y_crf.width, y_crf.height, box.class_id};
  labelled.masks = measure_box_masks(y_crf, labelled.owners, y_ret, whole);
  return labelled;
}

}  // namespace boxseg
