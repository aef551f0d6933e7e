// Reads the COCO API's JSON files: ground truth (instances_val2017.json) and detections (a list of results).
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/data/formats/coco/coco_ids.h"
#include "common/data/formats/coco/coco_mask.h"

namespace boxseg {

enum class CocoType { segm, bbox };

struct CocoObject {
  int64_t image = 0, category = 0;  // indices into CocoTruth::images and categories
  double area = 0, score = 0;       // score: of detections
  bool is_crowd = false;
  bool has_id = true;  // COCOeval stores the id of the match, and takes 0 for none
  CocoBox box{};       // for CocoType::segm the box of the mask
  RunLengths mask;     // empty for CocoType::bbox
};

struct CocoTruth {
  struct Image {
    CocoId id;
    int64_t height = -1, width = -1;  // -1: not told, or nothing that could be a size
  };
  struct Category {
    CocoId id;
    std::string name;
  };
  std::vector<Image> images;         // by id
  std::vector<Category> categories;  // by id
  std::vector<CocoObject> objects;   // in the file's order
};

struct CocoFiles {
  CocoTruth truth;
  std::vector<CocoObject> detections;
};
// Parses the JSON of both side by side, and makes masks on `threads` threads. Throws bad_input with the file, the
// annotation or detection, and the field; what COCOeval takes in silence though it is odd is told in warnings.
//
//
// Detections are read as by COCO.loadRes(): what the first one has decides. With a box, boxes count (area is width
// times height, a missing segmentation is the box); else segmentations do (area and box are the mask's). Detections of
// categories that the truth lacks are left out; an image that it lacks is refused. A missing 'iscrowd' is 0.
CocoFiles read_coco_files(const std::filesystem::path& truth, const std::filesystem::path& detections, CocoType type,
                          int threads);
// The ground truth alone, with the same checks.
CocoTruth read_coco_truth(const std::filesystem::path& path, CocoType type, int threads);

}  // namespace boxseg
