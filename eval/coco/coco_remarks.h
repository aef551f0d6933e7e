// Tells what is odd in COCO files, though the evaluation goes on and gives COCOeval's numbers: one sentence for each
// kind.
#pragma once
#include <map>
#include <mutex>
#include <string>

#include "common/data/formats/coco/coco_json.h"

namespace boxseg {

// The kinds stand in the order in which they are told.
enum class CocoRemark {
  no_crowd_flag,
  ignore_flag,
  unknown_image,
  unknown_category,
  id_zero,
  odd_polygon,
  empty_mask,
  empty_run,
  other_size,
  negative_box,
  beyond_image,
  tiny_box,
};

// Collects remarks from any thread. The first entry of each kind is named, the others are counted.
class CocoRemarks {
 public:
  // `what` goes on after "annotations[7]".
  void add(CocoRemark kind, const CocoPlace& place, const std::string& what);
  size_t count(CocoRemark kind) const;
  void forget(CocoRemark kind);
  void tell(const std::filesystem::path& file) const;  // warnings, one line each

 private:
  struct Seen {
    size_t count = 0, first = 0;
    std::string list, what;
  };
  std::mutex mutex_;
  std::map<CocoRemark, Seen> seen_;
};

}  // namespace boxseg
