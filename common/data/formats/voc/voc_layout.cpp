#include "common/data/formats/voc/voc_layout.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/photo_folder.h"

namespace boxseg {

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

const std::vector<std::string>& mask_suffixes() {
  static const std::vector<std::string> suffixes = {".png", ".mat"};
  return suffixes;
}

VocLayout::VocLayout(const fs::path& root_folder, const fs::path& mask_folder)
    : root(root_folder),
      masks(mask_folder),
      image_names(root / kVocImages),
      annotation_names(root / kVocAnnotations),
      mask_names(root / masks) {}

std::vector<std::string> VocLayout::images_of(const std::string& id) const {
  std::vector<std::string> found = image_names.find(id, image_suffixes());
  for (auto& name : found) name = (fs::path(kVocImages) / name).string();
  return found;
}

std::string VocLayout::annotation_of(const std::string& id) const {
  const auto found = annotation_names.find(id, {".xml"});
  return found.empty() ? "" : (fs::path(kVocAnnotations) / found[0]).string();
}

std::string VocLayout::mask_of(const std::string& id) const {
  if (masks.empty()) return "";
  const auto found = mask_names.find(id, mask_suffixes());
  return found.empty() ? "" : (masks / found[0]).string();
}

fs::path find_list(const fs::path& root, const std::string& list, const std::vector<KnownList>& known) {
  const fs::path folder = root / "ImageSets" / "Segmentation";
  if (special_kind(list) == "a pipe") return list;  // a shell's <(...)
  for (const fs::path& path : {fs::path(list), root / list, folder / list, folder / (list + ".txt")})
    if (is_file(path)) return path;
  fail_input("list '{}': no such file here, in {} or in {}{}", list, root.string(), folder.string(),
             advice_on_missing_list(list, folder, known));
}

fs::path find_masks(const fs::path& root, const std::string& masks) {
  if (masks == "none") return {};
  if (masks.empty()) {
    for (const char* name : {"SegmentationClassAug", "SegmentationClass"})
      if (is_folder(root / name)) return name;
    return {};
  }
  if (fs::path(masks).is_relative() && is_folder(root / masks)) return fs::path(masks).lexically_normal();
  if (is_folder(masks)) {  // below the root after all? then the index may move with it
    const fs::path absolute = fs::absolute(masks).lexically_normal();
    const fs::path relative = absolute.lexically_relative(fs::absolute(root).lexically_normal());
    return is_inside(relative) ? relative : absolute;
  }
  fail_input("--masks {}: no such folder here or in {}", masks, root.string());
}

std::string advice_on_masks(const VocLayout& layout, const std::vector<std::string>& ids) {
  constexpr size_t kTried = 100;
  const std::vector<std::string> holds = layout.mask_names.first(3);
  std::string advice = holds.empty() ? "it is empty" : fmt::format("it holds {}", join(holds, ", "));
  std::vector<std::string> others;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(layout.root, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory(error) || name == kVocImages || name == "SegmentationObject") continue;
    const FolderNames names(entry.path());
    if (std::any_of(ids.begin(), ids.begin() + static_cast<int64_t>(std::min(ids.size(), kTried)),
                    [&](const std::string& id) { return !names.find(id, {".png"}).empty(); }))
      others.push_back(name);
  }
  std::sort(others.begin(), others.end());
  if (!others.empty()) advice += fmt::format("; {} has such files: try --masks {}", join(others, ", "), others[0]);
  return advice;
}

}  // namespace boxseg
