#include "common/data/photo_folder.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with("."); }

bool is_photo(const std::string& suffix) {
  const auto& known = image_suffixes();
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

void collect(const fs::path& folder, const fs::path& below, const fs::path& without, PhotoFolder& found) {
  std::error_code error;
  fs::directory_iterator entries(folder / below, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    const fs::path name = below / path.filename();
    if (is_hidden(path)) continue;
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      if (!without.empty() && fs::equivalent(path, without, ignored)) continue;
      if (fs::is_symlink(path, ignored))
        found.folders_left_out.push_back(fmt::format("{} is a link to a folder", name.string()));
      else if (holds_results(path) || fs::exists(path / "manifest.h5.lock", ignored))
        found.folders_left_out.push_back(fmt::format("{} holds results of a stage", name.string()));
      else
        collect(folder, name, without, found);
    } else if (fs::is_regular_file(path, ignored)) {
      const std::string suffix = lower_case(path.extension().string());
      if (is_photo(suffix))
        found.photos[name.string()] = path;
      else
        ++found.left_out[suffix];
    } else {
      ++found.left_out["(no file, or a link to none)"];
    }
  }
  if (error && below.empty()) fail_input("{}: cannot be read: {}", folder.string(), error.message());
  if (error) found.folders_left_out.push_back(fmt::format("{} cannot be read: {}", below.string(), error.message()));
}

}  // namespace

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool holds_results(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "manifest.h5", ignored) || fs::exists(folder / "manifest.h5.journal", ignored);
}

fs::path as_seen_from(const fs::path& folder, const fs::path& path) {
  return path.empty() ? path : fs::weakly_canonical(path).lexically_relative(fs::weakly_canonical(folder));
}

const std::vector<std::string>& image_suffixes() {
  static const std::vector<std::string> suffixes = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"};
  return suffixes;
}

std::string PhotoFolder::describe_left_out() const {
  std::vector<std::string> parts;
  for (const auto& [suffix, count] : left_out)
    parts.push_back(fmt::format("{} {}", count, suffix.empty() ? "without a suffix" : suffix));
  return join(parts, ", ");
}

PhotoFolder find_photos(const fs::path& folder, const fs::path& without) {
  PhotoFolder found;
  collect(folder, "", without, found);
  std::sort(found.folders_left_out.begin(), found.folders_left_out.end());
  return found;
}

}  // namespace boxseg
