// Finds out whether label maps mean by their values what the boxes mean by their classes. A class list with a name too
// many, masks of 0 and 255, masks of objects instead of classes: none of these breaks a program, and all make every
// number wrong.
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

class ClassAgreement {
 public:
  explicit ClassAgreement(std::vector<std::string> class_names);

  // Adds an image's boxes, clipped to it, and its label map. Images without boxes say nothing. Thread-safe; the order
  // of images does not matter.
  void add(const std::vector<Box>& boxes, const LabelMap& labels);

  // Returns "" where they agree; else a sentence on `what` ("the masks in SegmentationClass") and what may be the
  // cause. They disagree when a class that boxes name is in none of their label maps, or the other way round, or when
  // more than a fifth of the label maps hold a class of which their image has no box.
  std::string doubt(const std::string& what) const;

 private:
  struct Count {
    int64_t images_with_box = 0, images_with_label = 0, images_with_both = 0;
    // The second counts boxes at least half void whose class is not in the label map.
    int64_t boxes = 0, boxes_of_void = 0;
  };
  std::string missing_in_labels() const;
  std::string missing_in_boxes() const;

  std::vector<std::string> class_names_;
  std::vector<Count> counts_;  // [K]
  int64_t images_ = 0, images_with_foreign_label_ = 0;
  std::mutex mutex_;
};

}  // namespace boxseg
