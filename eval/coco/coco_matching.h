// Finds which detections match which truth, as COCOeval matches them: image by image, category by category.
#pragma once
#include "eval/coco/coco_evaluation.h"

namespace boxseg {

// Says how one detection fares in one range of areas, with a bit per threshold.
struct CocoMatch {
  uint16_t found = 0, ignored = 0;
};

// Holds the objects of one category in one image: places in CocoMatches::truths and detections.
struct CocoCell {
  int64_t category = 0;
  size_t first_truth = 0, truths = 0;
  size_t first_detection = 0, detections = 0;  // by falling score, at most 100
  int64_t counted[kCocoAreas] = {};            // truths that are not ignored
};

// Holds all cells over flat lists: small vectors of their own would cost more than the evaluation.
struct CocoMatches {
  std::vector<size_t> truths, detections;  // indices, by category, then image
  std::vector<CocoCell> cells;
  std::vector<CocoMatch> matches[kCocoAreas];  // one for each detection
};

// Matches all; the result is the same whatever the number of threads.
CocoMatches match_coco(const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type, int threads);

}  // namespace boxseg
