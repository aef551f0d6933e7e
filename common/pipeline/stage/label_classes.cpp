#include "common/pipeline/stage/label_classes.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {

std::string classes_fact(const std::vector<std::string>& class_names) { return join(class_names, "\n"); }

std::string other_classes(const Manifest& manifest, const std::vector<std::string>& class_names) {
  const auto found = manifest.facts.find(kClassesFact);
  if (found == manifest.facts.end() || found->second.empty() || found->second == classes_fact(class_names)) return "";
  const std::vector<std::string> theirs = read_lines(found->second);
  const size_t shared = std::min(theirs.size(), class_names.size());
  for (size_t c = 0; c < shared; ++c)
    if (theirs[c] != class_names[c])
      return fmt::format("value {} is '{}' there and '{}' in the dataset", c, theirs[c], class_names[c]);
  return fmt::format("they have {} classes with background, the dataset has {}", theirs.size(), class_names.size());
}

}  // namespace boxseg
