// Computes average precision and recall as COCOeval does (pycocotools 2.0.11, equal bit for bit; tests/README.md,
// metrics.h5).
#pragma once
#include <array>
#include <string>
#include <vector>

#include "eval/coco/coco_files.h"

namespace boxseg {

inline constexpr int64_t kCocoThresholds = 10;  // T: IoU .5:.05:.95
inline constexpr int64_t kCocoRecalls = 101;    // R: 0:.01:1
inline constexpr int64_t kCocoAreas = 4;        // A: all, small, medium, large
inline constexpr int64_t kCocoLimits = 3;       // M: 1, 10, 100 detections of an image

struct CocoResult {
  int64_t categories = 0;         // K
  std::vector<double> precision;  // [T,R,K,A,M], -1 where a category has no truth
  std::vector<double> recall;     // [T,K,A,M]
  // Returns AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl as shares; -1 where there is nothing to average.
  std::array<double, 12> stats() const;
  std::array<double, 12> stats_of(const std::vector<int64_t>& of) const;  // the same over these categories, ascending
  double ap_of_category(int64_t k) const;  // over all thresholds, all areas, 100 detections
};
extern const std::array<const char*, 12> kCocoStatNames;

CocoResult evaluate_coco(const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type, int threads);

// Returns the same numbers in the words that COCOeval prints.
std::string coco_summary(const CocoResult& result);

}  // namespace boxseg
