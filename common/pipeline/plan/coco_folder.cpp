#include "common/pipeline/plan/coco_folder.h"

#include "common/base/error.h"

namespace boxseg {

NamedList::NamedList(const std::string& split) {
  const size_t equals = split.find('=');
  if (equals == std::string::npos) fail_usage("[pipeline] splits: '{}' is not of the form NAME=LIST", split);
  name = split.substr(0, equals);
  list = split.substr(equals + 1);
}

std::string list_of(const std::vector<std::string>& splits, const std::string& name) {
  for (const auto& text : splits)
    if (const NamedList split(text); split.name == name) return split.list;
  fail_usage("[pipeline] splits: there is none of the name '{}'", name);
}

fs::path CocoFolder::root(const std::vector<std::string>& splits) const {
  const bool is_one = splits.size() == 1;
  return is_one ? images(NamedList(splits[0]).list) : path;
}

}  // namespace boxseg
