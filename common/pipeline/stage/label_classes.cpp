#include "common/pipeline/stage/label_classes.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {

std::string classes_fact(const std::vector<std::string>& class_names) { return join(class_names, "\n"); }

namespace {
// Keeps a class that is called by a number from looking like a count, which merging adds up.
constexpr std::string_view kItem = "- ";
}  // namespace

std::string unknown_classes_fact(const std::vector<std::string>& class_names) {
  std::vector<std::string> lines;
  for (const auto& name : class_names) lines.push_back(std::string(kItem) + name);
  return join(lines, "\n");
}

ClassKinds class_kinds(const std::optional<Manifest>& manifest, const std::vector<std::string>& names) {
  ClassKinds kinds;
  if (!manifest) return kinds;
  const auto fact = manifest->facts.find(kUnknownClassesFact);
  if (fact == manifest->facts.end()) return kinds;
  const std::vector<std::string> unknown = read_lines(fact->second);
  for (size_t i = 0; i < names.size(); ++i) {
    const bool is_known = std::find(unknown.begin(), unknown.end(), std::string(kItem) + names[i]) == unknown.end();
    (is_known ? kinds.known : kinds.unknown).push_back(static_cast<int64_t>(i));
  }
  return kinds;
}

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
