// Imports published or hand-made label maps into the layout of a stage 2: so that stage 3 learns from them, or stage 2
// itself takes them in place of its own.
#pragma once
#include <functional>
#include <string>
#include <vector>

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

// A label map on its way in.
struct ForeignMap {
  std::string kind;                // "Y_crf" or "Y_ret": the folder that it goes to
  int64_t image = 0;               // index into Dataset::images
  fs::path file;                   // that it is read from, for messages
  bool has_palette = false;        // whether that file is its own PNG, whose colours may tell something
  std::function<LabelMap()> read;  // on any thread, twice; throws bad_input
};

// Does the same for maps from anywhere. With `skips_bad_maps` faults are warnings, and what has one is left out; what
// is left must be something.
Manifest import_maps(const std::vector<ForeignMap>& maps, const Dataset& dataset, const fs::path& output, int threads,
                     bool skips_bad_maps);

// Throws bad_input unless the map has the image's size, and values that are classes of the dataset or 255.
void require_map_of(const ImageEntry& image, const LabelMap& labels, int64_t classes, const fs::path& path);

}  // namespace boxseg
