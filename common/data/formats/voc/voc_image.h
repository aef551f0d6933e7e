// One image of a VOC folder: its files found and checked.
#pragma once
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/data/clipped_boxes.h"
#include "common/data/dataset.h"
#include "common/data/formats/voc/voc_layout.h"
#include "common/data/label_doubts.h"

namespace boxseg {

// An image on its way through the checks.
struct Candidate {
  ImageEntry entry;
  std::string listed_at;  // "LIST:LINE"
  bool needs_boxes = false;
  ClippedBoxes clipped;
  std::map<std::string, int64_t> unknown_classes;
  std::vector<std::string> lost_boxes;        // one message per box left out
  std::map<std::string, std::string> doubts;  // kind of doubt -> sentence on this image
  std::string error;
};

// What the checks of all images share.
struct VocChecks {
  std::vector<std::string> class_names;
  bool skips_bad_images = false;
  VocLayout layout;
  std::unordered_set<std::string> ids;  // of all images
  LabelDoubts labels;
  VocChecks(const std::vector<std::string>& names, bool skips, const fs::path& root, const fs::path& masks)
      : class_names(names), skips_bad_images(skips), layout(root, masks), labels(names) {}
};

// Fills in the candidate's entry. Throws bad_input: an image, annotation or mask that is absent, damaged, or does not
// fit the others; a box that is inverted or outside the image. With skips_bad_images such boxes are lost, not the
// image, as long as it has others. Unknown classes are noted for the caller. Thread-safe for different candidates.
void check_candidate(Candidate& candidate, VocChecks& checks);

}  // namespace boxseg
