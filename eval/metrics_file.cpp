#include "eval/metrics_file.h"

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "eval/brief_lock.h"

namespace boxseg {
Metrics read_metrics(const fs::path& path) {
  if (!fs::exists(path)) return {};
  const nlohmann::json parsed = nlohmann::json::parse(read_file(path), nullptr, false);
  if (!parsed.is_object())
    fail_input("{}: not a metrics file (a JSON object was expected); remove it or name another one", path.string());
  return parsed.get<Metrics>();
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
