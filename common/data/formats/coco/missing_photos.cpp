#include "common/data/formats/coco/missing_photos.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/photo_folder.h"

namespace boxseg {
namespace {

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator entries(folder, error); !error && entries != fs::directory_iterator();
       entries.increment(error))
    if (is_folder(entries->path())) folders.push_back(entries->path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

// Below which the photograph lies; "" where it is in none of those that people may have meant.
fs::path folder_of(const std::string& name, const fs::path& images) {
  const fs::path beside = (fs::absolute(images).lexically_normal() / "").parent_path().parent_path();
  std::vector<fs::path> folders = folders_in(images);
  folders.push_back(beside);
  for (const fs::path& folder : folders_in(beside)) folders.push_back(folder);
  std::error_code ignored;
  for (const fs::path& folder : folders)
    if (fs::is_regular_file(folder / name, ignored)) return folder;
  return {};
}

}  // namespace

std::string describe_missing_photos(const fs::path& annotations, const fs::path& images,
                                    const std::vector<std::string>& missing, size_t all) {
  constexpr size_t kShown = 3;
  std::vector<std::string> first;
  for (size_t i = 0; i < std::min(kShown, missing.size()); ++i) first.push_back(visible(missing[i]));
  const std::string more = missing.size() > kShown ? fmt::format(" and {} more", missing.size() - kShown) : "";
  std::string remedy = "fetch them, or leave them out with --on-bad-image skip";
  if (!is_folder(images))
    remedy = "there is no such folder";
  else if (const fs::path found = folder_of(missing[0], images); !found.empty())
    remedy = fmt::format("the first is in another folder: --images {}", found.string());
  else if (missing.size() == all)
    remedy = "name the folder of these photographs with --images";
  return fmt::format("{}: {} of its {} images are not in {}: {}{}; {}", annotations.string(), missing.size(), all,
                     images.string(), join(first, ", "), more, remedy);
}

}  // namespace boxseg
