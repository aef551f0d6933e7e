// The COCO API's result files: a list of detections, each with the ids of its image and its category. The annotation
// file that they were made for tells what these ids mean.
#pragma once
#include <map>
#include <string>

#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// Names of ids, as plain text: 3 and "3" are one.
struct CocoNames {
  std::map<std::string, std::string> image_of_id, class_of_id;
};

// Whether a file is a list of detections, by the names at its beginning. False for what cannot be read.
bool is_coco_results(const fs::path& file);

// Masks of detections, with their scores; those without a mask are left out and told in `doubts`, as those of images
// that `names` lacks are. `class_names` are those that occur. Throws bad_input, with the place: no JSON, a detection
// without image_id or category_id, a category that `names` lacks, a mask that is none, masks of several sizes for one
// image, a score that is no number.
BoxAnnotations read_coco_results(const fs::path& file, const CocoNames& names, int threads);

}  // namespace boxseg
