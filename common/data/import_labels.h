// Imports published or hand-made label maps as the output of a stage 2, so that stage 3 learns from them.
#pragma once
#include <string>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "common/io/manifest.h"

namespace boxseg {

struct ImportLabelsOptions {
  std::string split = "train";
  fs::path y_crf;   // folder of ID.png
  fs::path y_ret;   // also of ID.png; "" = none: losses that compare the two will refuse
  fs::path output;  // gets Y_crf/ID.png and Y_ret/ID.png
  int threads = 1;
};

// Checks every label map of the split (there, a palette or grey PNG, of the image's size, classes of the dataset or
// 255), writes them with VOC's palette, and returns inputs and outputs for a manifest (digests are of pixels, so they
// equal those of a stage 2 that makes the same labels). Warns where values and boxes, or values and colours of the
// palette do not fit (class_agreement.h, label_colours.h). Throws bad_input before anything is written, with the first
// fault and how many more there are.
Manifest import_labels(const ImportLabelsOptions& options, const Dataset& dataset);

}  // namespace boxseg
