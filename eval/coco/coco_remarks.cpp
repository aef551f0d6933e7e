#include "eval/coco/coco_remarks.h"

#include "common/base/files.h"
#include "common/base/log.h"

namespace boxseg {

void CocoRemarks::add(CocoRemark kind, const CocoPlace& place, const std::string& what) {
  const std::lock_guard lock(mutex_);
  Seen& seen = seen_[kind];
  if (seen.count++ > 0 && seen.first < place.index) return;
  seen.first = place.index;
  seen.list = place.list;
  seen.what = what;
}

size_t CocoRemarks::count(CocoRemark kind) const {
  const auto found = seen_.find(kind);
  return found == seen_.end() ? 0 : found->second.count;
}

void CocoRemarks::forget(CocoRemark kind) { seen_.erase(kind); }

void CocoRemarks::tell(const fs::path& file) const {
  for (const auto& [kind, seen] : seen_) {
    const std::string others = seen.count > 1 ? fmt::format(" ({} {} in all)", seen.count, seen.list) : "";
    log_warning("{}: {}[{}] {}{}", file.string(), seen.list, seen.first, seen.what, others);
  }
}

}  // namespace boxseg
