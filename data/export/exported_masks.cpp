#include "data/export/exported_masks.h"

#include <cmath>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/io/label_png.h"
#include "common/io/resized.h"
#include "common/labels/agreed_labels.h"
#include "common/labels/labelled_boxes.h"
#include "common/labels/outlines.h"
#include "common/labels/owned_pixels.h"
#include "common/labels/shard.h"

namespace boxseg {
namespace {

bool is_of_stage2(const fs::path& folder) { return fs::is_directory(folder / "Y_crf"); }

// Label maps of the image's own size.
LabelMap read_labels(const ExportOptions& options, const ImageEntry& image) {
  const fs::path file = is_of_stage2(options.labels) ? fs::path(y_crf_file(image.id)) : output_name(image.id) += ".png";
  if (!fs::exists(options.labels / file))
    fail_input("{}: is not there; --labels names a folder of stage 2, or one of label PNGs, ID.png",
               (options.labels / file).string());
  return read_labels_of(options.labels / file, image);
}

// Y_ret, of the same size; empty where there is none.
LabelMap read_other_labels(const ExportOptions& options, const ImageEntry& image) {
  return is_of_stage2(options.labels) ? read_y_ret(options.labels, image) : LabelMap();
}

// How many of a photograph's rows, or columns, each of an image's becomes.
std::vector<int64_t> enlarged_counts(int64_t side, int64_t photo_side) {
  std::vector<int64_t> counts(static_cast<size_t>(side));
  for (int64_t i = 0; i < photo_side; ++i) ++counts[static_cast<size_t>(nearest_source(i, side, photo_side))];
  return counts;
}

// How many pixels of a photograph they become.
int64_t enlarged_area(const OwnedPixels& owned, const std::vector<int64_t>& rows, const std::vector<int64_t>& columns) {
  int64_t area = 0;
  for (int64_t y = 0; y < owned.height; ++y)
    for (int64_t x = 0; x < owned.width; ++x)
      if (owned.is_owned[static_cast<size_t>(y * owned.width + x)] != 0)
        area += rows[static_cast<size_t>(owned.y0 + y)] * columns[static_cast<size_t>(owned.x0 + x)];
  return area;
}

}  // namespace

LabelMap exported_labels(const ExportOptions& options, const ImageEntry& image) {
  LabelMap labels = read_labels(options, image);
  if (options.is_agreement) {
    const LabelMap y_ret = read_other_labels(options, image);
    if (y_ret.pixels.empty())
      fail_input("{}: has no Y_ret of image '{}', which --agreement compares with Y_crf; leave it out, or label again",
                 options.labels.string(), image.id);
    labels = agreed_labels(labels, y_ret, kVoid);
  }
  return image.is_copy() ? resized(labels, image.source_size) : labels;
}

std::vector<double> in_photograph(std::vector<double> ring, const ImageEntry& image) {
  if (!image.is_copy()) return ring;
  const auto scaled = [](double at, int64_t photo, int64_t copy) {
    return std::round(at * 100 * static_cast<double>(photo) / static_cast<double>(copy)) / 100;
  };
  for (size_t k = 0; k + 1 < ring.size(); k += 2) {
    ring[k] = scaled(ring[k], image.source_size.width, image.size.width);
    ring[k + 1] = scaled(ring[k + 1], image.source_size.height, image.size.height);
  }
  return ring;
}

int64_t boxes_to_export(const ExportOptions& options) {
  int64_t count = 0;
  for (const int64_t i : options.dataset.split(options.split))
    for (const Box& box : options.dataset.images[static_cast<size_t>(i)].boxes) count += !box.is_crowd;
  return count;
}

std::vector<ExportedMask> exported_masks(const ExportOptions& options, const ImageEntry& image) {
  const LabelMap y_crf = read_labels(options, image);
  const LabelMap y_ret = read_other_labels(options, image);
  const Dataset& d = options.dataset;
  const auto [boxes, owners, measured] = options.is_per_class ? labelled_classes(d.classes(), y_crf, y_ret)
                                                              : labelled_boxes(image, d.box_numbers, y_crf, y_ret);
  const auto rows = enlarged_counts(image.size.height, image.photo_size().height),
             columns = enlarged_counts(image.size.width, image.photo_size().width);
  std::vector<ExportedMask> masks(boxes.size());
  for (size_t i = 0; i < masks.size(); ++i) {
    throw_if_interrupted();
    const OwnedPixels owned = owned_pixels(owners, image.size, i, boxes[i]);
    masks[i] = {boxes[i], outlines_of(owned.is_owned, owned.height, owned.width, options.tolerance),
                image.is_copy() ? enlarged_area(owned, rows, columns) : measured[i].pixels,
                measured[i].pixels == 0 ? 0 : 1 - measured[i].disagreement()};
    for (auto& ring : masks[i].rings)
      for (size_t k = 0; k < ring.size(); ++k) ring[k] += static_cast<double>(k % 2 == 0 ? owned.x0 : owned.y0);
  }
  return masks;
}

}  // namespace boxseg
