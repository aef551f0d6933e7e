#include "common/pipeline/plan/run_layout.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {

std::vector<fs::path> subfolders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_directory()) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

void RunLayout::require_own_folder() const {
  // clean-run of Makefile.pipeline removes the same names.
  static const std::set<std::string> folders = {"config",      "data",     "given_masks", "masks",  "outlines",
                                                "predictions", "receipts", "report",      "server", "stage1",
                                                "stage2",      "stage3",   "tables"};
  static const std::vector<std::string> files = {"boxes.jpg",    "dataset.h5", "digests.txt",
                                                 "metrics.json", "plan.mk",    "review.csv"};
  if (fs::exists(fragment())) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_file = std::any_of(files.begin(), files.end(), [&](const std::string& file) {
      return name == file || name.starts_with(file + ".");  // its lock, a temporary
    });
    if (!is_file && folders.count(name) == 0 && !name.starts_with("."))
      fail_usage("--run {}: the folder holds {}, which is no part of a run; name a folder of its own", run.string(),
                 name);
  }
}

std::string RunLayout::other_runs() const {
  constexpr size_t kShown = 5;
  const fs::path folder = run.has_filename() ? run.parent_path() : run.parent_path().parent_path();
  std::vector<std::string> runs;
  for (const auto& other : subfolders(folder.empty() ? "." : folder))
    if (fs::exists(RunLayout{other}.fragment())) runs.push_back((folder / other.filename()).string());
  if (const std::string close = nearest(run.string(), runs); !close.empty())
    return fmt::format(" (did you mean {}?)", close);
  const size_t more = runs.size() > kShown ? runs.size() - kShown : 0;
  runs.resize(runs.size() - more);
  return runs.empty()
             ? ""
             : fmt::format(" (beside it: {}{})", join(runs, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

std::vector<fs::path> RunLayout::manifest_folders() const {
  std::vector<fs::path> found;
  const auto add = [&](const fs::path& folder) {
    if (fs::exists(folder / "manifest.h5")) found.push_back(folder);
  };
  for (const char* stage : {"stage1", "stage2", "stage3"})
    for (const auto& variant : subfolders(run / stage)) {
      add(variant);
      for (const auto& split : subfolders(variant)) add(split);
      for (const auto& split : subfolders(variant / "predictions"))
        for (const auto& mode : subfolders(split)) add(mode);
    }
  return found;
}

fs::path RunLayout::measured(const std::string& key) const {
  const auto words = split(key, '/');
  if (words.size() == 4 && words[0] == "stage2") return stage2(words[1], words[2]);
  if (words.size() == 4 && words[0] == "stage3") return predictions(words[1], words[2], words[3]);
  if (words.size() == 3 && words[0] == "baseline") return {};
  fail_usage("evaluate/{} is no piece of work of a run", key);
}

}  // namespace boxseg
