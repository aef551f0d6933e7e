#include "common/pipeline/plan/metrics_file.h"

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/pipeline/stage/brief_lock.h"

namespace boxseg {

Metrics read_metrics(const fs::path& path) {
  if (!fs::exists(path)) return {};
  // Values that hold others are refused while they are read: thousands of levels would be too many for the stack later.
  bool is_flat = true;
  const auto look = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json&) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > 0 && (event == Event::object_start || event == Event::array_start)) is_flat = false;
    return is_flat;
  };
  const nlohmann::json parsed = nlohmann::json::parse(read_file(path), look, false);
  if (!parsed.is_object() || !is_flat)
    fail_input("{}: not a metrics file (one flat JSON object was expected); remove it or name another one",
               path.string());
  return parsed.get<Metrics>();
}

Metrics numbers_of(const Metrics& metrics, const std::string& key) {
  std::vector<std::string> prefixes = {key + "/"};
  if (key.ends_with("/agreement"))
    for (const char* rule : {"_wrong/", "_background/", "_ignored/"}) prefixes.push_back(key + rule);
  Metrics found;
  for (const auto& prefix : prefixes)
    for (auto it = metrics.lower_bound(prefix); it != metrics.end() && it->first.starts_with(prefix); ++it)
      found.insert(*it);
  return found;
}

void check_metrics_key(const std::string& key) {
  size_t begin = 0;
  for (;;) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const std::string word = key.substr(begin, end - begin);
    if (word.empty() || trim(word) != word)
      fail_usage("--key '{}': expected words joined by '/', such as stage2/bap/val/y_crf", key);
    if (end == key.size()) return;
    begin = end + 1;
  }
}

void merge_metrics(const fs::path& path, const std::string& key, const Metrics& values) {
  check_metrics_key(key);
  const BriefLock lock(path.string() + ".lock");
  Metrics all = read_metrics(path);
  const std::string prefix = key + "/";
  std::erase_if(all, [&](const auto& entry) { return entry.first == key || entry.first.starts_with(prefix); });
  for (const auto& [name, value] : values) all[prefix + name] = value;
  write_file(path, nlohmann::json(all).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace boxseg
