#include "stage2_pseudolabel/instances.h"

#include <fmt/format.h>

#include "common/base/replaced.h"
#include "common/labels/box_masks.h"
#include "common/labels/owned_pixels.h"

namespace boxseg {
namespace {

// In order of pixels, so that every run adds the same numbers in the same order.
double mean_over(const OwnedPixels& owned, int64_t image_width, const std::vector<float>& values) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t y = 0; y < owned.height; ++y)
    for (int64_t x = 0; x < owned.width; ++x)
      if (owned.is_owned[static_cast<size_t>(y * owned.width + x)]) {
        sum += static_cast<double>(values[static_cast<size_t>((owned.y0 + y) * image_width + owned.x0 + x)]);
        ++count;
      }
  return sum / static_cast<double>(count);
}

// The one letter of compressed run lengths that JSON has another meaning for.
std::string in_json(const std::string& counts) { return replaced(counts, '\\', "\\\\"); }

std::string result_line(const std::string& image, const std::string& category, const RunLengths& mask, double score) {
  const CocoBox box = box_of(mask);
  return fmt::format(R"({{"image_id": {}, "category_id": {}, "segmentation": {{"size": [{}, {}], "counts": "{}"}}, )"
                     R"("bbox": [{}, {}, {}, {}], "score": {}}})"
                     "\n",
                     image, category, mask.height, mask.width, in_json(text_of_mask(mask)), box[0], box[1], box[2],
                     box[3], score);
}

}  // namespace

InstanceMaker::InstanceMaker(const std::string& kind, const Dataset& dataset)
    : is_per_class_(kind == "per_class"), dataset_(dataset), ids_(coco_result_ids(dataset)) {}

std::string InstanceMaker::results(int64_t index, const Geometry& geometry, const LabelMap& labels,
                                   const std::vector<float>& confidence) const {
  const ImageEntry& image = dataset_.images[static_cast<size_t>(index)];
  std::vector<PixelBox> boxes = is_per_class_ ? boxes_of_classes(labels, dataset_.classes()) : geometry.boxes;
  for (size_t i = 0; i < boxes.size() && !is_per_class_; ++i)
    if (image.boxes[i].is_crowd) boxes[i] = {0, 0, 0, 0, boxes[i].class_id};
  const ImageSize full = image.source_size == ImageSize{} ? image.size : image.source_size;
  const auto owners = owners_of_pixels(labels, boxes);
  std::string lines;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const OwnedPixels owned = owned_pixels(owners, image.size, i, boxes[i]);
    const RunLengths mask = mask_of_owned(owned, image.size, full);
    if (area_of(mask) == 0) continue;
    const bool is_scored = !is_per_class_ && !confidence.empty();
    lines += result_line(ids_.images[static_cast<size_t>(index)], ids_.classes[static_cast<size_t>(boxes[i].class_id)],
                         mask, is_scored ? mean_over(owned, image.size.width, confidence) : 1);
  }
  return lines;
}

}  // namespace boxseg
