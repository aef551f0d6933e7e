// Looks at label maps of a dataset one by one for what is suspect: values that are not the boxes' classes, colours of
// other values, objects beside their boxes, no background.
#pragma once
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "common/data/box_fit.h"
#include "common/data/class_agreement.h"
#include "common/data/label_colours.h"

namespace boxseg {

class LabelDoubts {
 public:
  explicit LabelDoubts(const std::vector<std::string>& class_names) : colours_(class_names), classes_(class_names) {}

  // Looks at an image's boxes and its label map, read from `path`. `has_all_boxes` says that no object lacks its box;
  // else nothing is said of objects without one. `is_label_file` says that the file is this map's alone, whose colours
  // are looked at. Thread-safe; the order of images does not matter.
  void look_at(const std::filesystem::path& path, const std::vector<Box>& boxes, const LabelMap& labels,
               bool has_all_boxes, bool is_label_file = true);

  // Returns sentences on `what` ("the masks in SegmentationClass"), one for each doubt.
  std::vector<std::string> doubts(const std::string& what) const;

 private:
  std::string doubt_on_background(const std::string& what) const;
  std::string doubt_on_boxes(const std::string& what) const;

  RenumberedFiles colours_;
  ClassAgreement classes_;
  BoxFit fit_;
  int64_t maps_ = 0, maps_with_background_ = 0, maps_with_void_ = 0, with_boxes_ = 0, objects_without_box_ = 0;
  std::string first_without_box_;
  std::mutex mutex_;
};

}  // namespace boxseg
