// Makes the synthetic dataset: textured objects of several classes on textured, cluttered backgrounds, as a VOC folder.
//
// A small network from scratch can learn it in minutes, and yet the whole method has something to do: classes differ by
// hue, shape and texture; hardly any shape fills its box (filled boxes alone score about 60 mIoU); outlines are edges
// in colour while textures inside are mild (a dense CRF finds them); objects occlude each other, are cut by the frame,
// and range from a few pixels to the whole image.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"

namespace boxseg {

struct SyntheticOptions {
  int64_t images = 300;                   // train, val and test together: 2/3, 1/4 and the rest
  int64_t classes = 4;                    // without background: the first of synthetic_class_names()
  int64_t size_min = 96, size_max = 128;  // of width and height, drawn one by one
  uint64_t seed = 0;
  void check() const;  // throws usage
};

// Returns "background", "star", "leaf", "ring", "moon", "cross", "blob", "hook", "stick".
const std::vector<std::string>& synthetic_class_names();

struct SyntheticImage {
  RgbImage image;
  LabelMap labels;           // exact: 0 and classes, no void
  std::vector<Box> boxes;    // around what is visible of each object, in VOC's 1-based inclusive numbers
  std::vector<bool> is_cut;  // per box: whether the frame cuts it
};
// The image is a pure function of options (not of options.images) and index.
SyntheticImage render_synthetic(const SyntheticOptions& options, int64_t index);

// Writes JPEGImages, Annotations, SegmentationClass, ImageSets/Segmentation/{train,val,test}.txt, classes.txt and
// synthetic.ini, the lists last. The bytes are equal for any number of threads. Replaces what it wrote there before;
// throws usage for a folder that holds something else.
void write_synthetic(const fs::path& dir, const SyntheticOptions& options, int threads);

void refuse_foreign_folder(const fs::path& dir);  // throws usage for a folder that holds something else
fs::path synthetic_marker(const fs::path& dir);   // DIR/synthetic.ini, which tells such folders from others

}  // namespace boxseg
