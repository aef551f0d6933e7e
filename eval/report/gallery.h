// Makes the pictures of the report: the best and the worst images of a split, with all that was made of them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "eval/report/run_folder.h"

namespace boxseg {

struct GalleryOptions {
  std::string split = "val";
  std::string rank_by;  // key of the label set that orders the images; "": Y_crf of the first variant, or a prediction
  int64_t images = 14;  // half of them best, half worst
  int64_t side = 320;   // pixels of the longer side of a picture
  int threads = 1;
  void check() const;  // throws usage
};

struct RankedImage {
  int64_t index = 0;        // into the dataset
  double miou = 0;          // score of this image alone, in percent; NaN without truth
  std::string remark = {};  // on boxes that should be looked at, where there is no truth
};

// Returns the splits of the dataset that the run has labels of, each once: those of pseudo labels first.
std::vector<std::string> splits_with_labels(const RunFolder& run);

// Returns the label set that orders the images, nullptr when the split has none. Throws usage for a key that is not
// there.
const LabelSet* ranking_set(const RunFolder& run, const GalleryOptions& options);

// Returns the images of the split with a label map in `set`, best first; those without truth are at the end, in the
// order of the split.
std::vector<RankedImage> rank_images(const Dataset& dataset, const std::string& split, const LabelSet& set,
                                     int threads);

// Returns the section's HTML; "" when there is nothing to show. Notes say what was left out.
std::string gallery_html(const RunFolder& run, const GalleryOptions& options, std::vector<std::string>& notes);

}  // namespace boxseg
