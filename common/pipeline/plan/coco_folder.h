// COCO's own layout: DIR/annotations/instances_val2017.json beside the photographs in DIR/val2017.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct CocoFolder {
  fs::path path;

  fs::path annotations(const std::string& list) const { return path / "annotations" / ("instances_" + list + ".json"); }
  fs::path images(const std::string& list) const { return path / list; }
  // What paths in the index count from: the folder that holds the images of all splits.
  fs::path root(const std::vector<std::string>& splits) const;
};

// A split of [pipeline] splits, NAME=LIST. Throws usage for another form.
struct NamedList {
  explicit NamedList(const std::string& split);
  std::string name, list;
};

// The list of the split of that name. Throws usage where there is none.
std::string list_of(const std::vector<std::string>& splits, const std::string& name);

}  // namespace boxseg
