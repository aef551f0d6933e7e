#include "common/pipeline/plan/plan_files.h"

#include <map>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/pipeline/plan/fragment.h"
#include "common/pipeline/plan/metrics_file.h"
#include "common/pipeline/plan/run_layout.h"
#include "common/pipeline/stage/lock.h"

namespace boxseg {
namespace {

bool is_damaged_metrics(const fs::path& path) {
  try {
    read_metrics(path);
    return false;
  } catch (const Error&) {
    return true;
  }
}

}  // namespace

void write_plan(const fs::path& run, const std::string& preset, const std::vector<Node>& nodes) {
  const RunLayout layout{run};
  layout.require_own_folder();
  std::map<fs::path, std::string> files = {{layout.fragment(), make_fragment(nodes)}};
  files[layout.preset()] = preset + "\n";
  for (const auto& node : nodes) files.insert(node.files.begin(), node.files.end());
  std::erase_if(files, [](const auto& file) { return fs::exists(file.first) && read_file(file.first) == file.second; });
  const bool is_damaged = is_damaged_metrics(layout.metrics());
  if (files.empty() && !is_damaged) return;
  const FileLock lock(lock_of(layout.fragment()));
  if (is_damaged) {
    const fs::path aside = layout.metrics().string() + ".damaged";
    log_warning("{}: is damaged; it is now {}, and its numbers are measured again", layout.metrics().string(),
                aside.string());
    fs::rename(layout.metrics(), aside);
  }
  for (const auto& [path, text] : files) write_file(path, text);
}

}  // namespace boxseg
