// Masks of boxes, as files of other tools want them: outlines, areas and scores.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/boxes.h"
#include "common/io/image.h"

namespace boxseg {

struct ExportedMask {
  PixelBox box;                            // of the image; its pixels lie in it; of a class the one around them
  std::vector<std::vector<double>> rings;  // outlines_of() (common/labels/outlines.h), in pixels of the image
  int64_t area = 0;                        // pixels of the photograph
  // How far Y_crf and Y_ret agree on it: intersection over union; 1 where there is no Y_ret, 0 of an empty mask.
  double score = 1;
};

struct ExportOptions {
  Dataset dataset;
  std::string split;
  fs::path labels;            // folder of stage 2, or one of label PNGs, ID.png
  fs::path boxes;             // file or folder that the boxes came from; "" where it is not known
  fs::path output;            // what to write: a file, or a folder
  double tolerance = 1;       // pixels of the image that outlines may lie beside the mask's
  bool is_agreement = false;  // of label PNGs: 255 where Y_crf and Y_ret differ, for frameworks that ignore it
  bool is_per_class = false;  // a mask for each class of an image, in place of one for each box
  int threads = 1;

  // Where a file of an output folder is written; remembers it for the next export into the same folder.
  fs::path place(const fs::path& relative) const {
    files.insert(relative.string());
    return output / relative;
  }
  mutable std::set<std::string> files;
};

// Images may be smaller copies; what is written is of the photographs. A label map is enlarged by the nearest pixel, so
// that it has no values but its own; outlines are scaled, and lie between its steps where a tolerance leaves out
// corners.

// The label map of an image, with the size of the photograph. Throws bad_input: absent, or of another size than the
// image; with is_agreement, where there is no Y_ret.
LabelMap exported_labels(const ExportOptions& options, const ImageEntry& image);
// One mask for each box of the image: the pixels of its class inside it, shared ones to the smaller box. A crowd's is
// empty. Or, `is_per_class`: one for each class that the label map has, ascending, of all its pixels.
std::vector<ExportedMask> exported_masks(const ExportOptions& options, const ImageEntry& image);
// The number of boxes of the split that are no crowds.
int64_t boxes_to_export(const ExportOptions& options);

// A ring in pixels of the photograph, to a hundredth.
std::vector<double> in_photograph(std::vector<double> ring, const ImageEntry& image);

// Each writes all images of the split, and returns the number of masks.
int64_t export_coco(const ExportOptions& options);
int64_t export_labelme(const ExportOptions& options);
int64_t export_yolo(const ExportOptions& options);
int64_t export_png(const ExportOptions& options);

}  // namespace boxseg
