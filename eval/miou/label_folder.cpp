#include "eval/miou/label_folder.h"

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/folder_names.h"
#include "common/io/mask.h"
#include "common/io/orientation.h"

namespace boxseg {

namespace fs = std::filesystem;

namespace {

void require_size(const fs::path& path, const LabelMap& map, const ImageEntry& image) {
  if (map.height != image.size.height || map.width != image.size.width)
    fail_input("{}: {} x {} pixels (width x height), but image '{}' has {} x {}; labels have the size of their image{}",
               path.string(), map.width, map.height, image.id, image.size.width, image.size.height,
               reason_of_exchanged_sides({map.height, map.width}, image.size));
}

}  // namespace

LabelFolder::LabelFolder(fs::path folder) : folder_(std::move(folder)) {
  if (!fs::is_directory(folder_))
    fail_input("{}: no such folder; expected one with a label PNG per image, ID.png", folder_.string());
  const fs::path full = fs::absolute(folder_).lexically_normal();
  const fs::path name = full.has_filename() ? full.filename() : full.parent_path().filename();
  const fs::path parent = full.has_filename() ? full.parent_path() : full.parent_path().parent_path();
  const auto take = [&](const fs::path& path, const std::string& prefix) {
    auto manifest = try_read_manifest(path);
    if (!manifest) return false;
    for (const auto& output : manifest->outputs)
      if (output.path.starts_with(prefix) && output.path.ends_with(".png"))
        digests_[output.path.substr(prefix.size())] = output.digest;
    if (digests_.empty()) return false;
    manifest_ = std::move(manifest);
    return true;
  };
  if (!take(full / "manifest.h5", "")) take(parent / "manifest.h5", name.string() + "/");
}

fs::path LabelFolder::file_of(const ImageEntry& image) const {
  fs::path path = folder_ / output_name(image.id);
  path += ".png";
  return path;
}

bool LabelFolder::has(const ImageEntry& image) const { return fs::exists(file_of(image)); }

LabelMap LabelFolder::read(const ImageEntry& image, RenumberedFiles* colours) const {
  const fs::path path = file_of(image);
  LabelMap map = read_label_png(path);
  require_size(path, map, image);
  const auto known = digests_.find(output_name(image.id).string() + ".png");
  if (known != digests_.end() && known->second != digest_of_labels(map))
    fail_input("{}: its pixels are not those that the manifest lists; it was changed after it was made: make it again",
               path.string());
  if (known == digests_.end() && colours != nullptr) colours->look_at(path, map);
  return map;
}

void LabelFolder::require(const Dataset& dataset, const std::vector<int64_t>& images, const std::string& remedy) const {
  size_t missing = 0;
  const ImageEntry* first = nullptr;
  for (const int64_t i : images) {
    const ImageEntry& image = dataset.images[static_cast<size_t>(i)];
    if (has(image)) continue;
    if (missing++ == 0) first = &image;
  }
  if (missing == 0) return;
  const FolderNames names(folder_);
  const std::vector<std::string> holds = names.first(3);
  const std::vector<std::string> same = names.find(first->id, {".png"});
  std::string near = same.empty() ? names.near_miss(first->id, {".png"})
                                  : fmt::format("; there is {}: write .png in small letters", same[0]);
  if (near.empty() && missing == images.size())
    near = holds.empty() ? "; the folder is empty" : fmt::format("; the folder holds {}", join(holds, ", "));
  fail_input("{}: {} of {} images have no label map; the first is {}{}. {}", folder_.string(), missing, images.size(),
             file_of(*first).string(), near, remedy);
}

LabelMap read_truth(const Dataset& dataset, const ImageEntry& image) {
  const fs::path path = dataset.mask_path(image);
  LabelMap map = read_mask(path);
  require_size(path, map, image);
  return map;
}

}  // namespace boxseg
