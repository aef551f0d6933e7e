#include "common/data/formats/yolo/yolo_paths.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/formats/yolo/yolo_config.h"

namespace boxseg {
namespace {

// The path with the last of its components `from` replaced by `to`; the path itself where there is none.
fs::path with_last_replaced(const fs::path& path, const std::string& from, const std::string& to) {
  std::vector<fs::path> parts(path.begin(), path.end());
  const auto last = std::find(parts.rbegin(), parts.rend(), fs::path(from));
  if (last == parts.rend()) return path;
  *last = to;
  fs::path replaced;
  for (const fs::path& part : parts) replaced /= part;
  return replaced;
}

}  // namespace

fs::path yolo_labels_of(const fs::path& image) {
  fs::path file = with_last_replaced(image.parent_path(), "images", "labels") / image.filename();
  return file.replace_extension(".txt");
}

fs::path yolo_label_folder_of(const fs::path& folder) { return with_last_replaced(folder, "images", "labels"); }

fs::path yolo_image_of(const fs::path& labels) {
  return with_last_replaced(labels.parent_path(), "labels", "images") / labels.stem();
}

fs::path absolute_path(const fs::path& path) {
  const fs::path normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::vector<fs::path> ends_of_path(const std::string& path) {
  std::string with_slashes = path;
  std::replace(with_slashes.begin(), with_slashes.end(), '\\', '/');
  std::vector<std::string> parts = split(with_slashes, '/');
  std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "." || part == ".."; });
  if (!parts.empty() && parts[0].size() == 2 && parts[0][1] == ':') parts.erase(parts.begin());
  std::vector<fs::path> ends(parts.size());
  for (size_t i = 0; i < parts.size(); ++i)
    for (size_t j = 0; j <= i; ++j) ends[j] /= parts[i];
  return ends;
}

std::vector<fs::path> find_text_files(const fs::path& folder, std::vector<std::string>& doubts) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator i(folder, error); !error && i != fs::recursive_directory_iterator();
       i.increment(error)) {
    const fs::path& path = i->path();
    if (path.filename().string().starts_with(".")) {
      i.disable_recursion_pending();
      continue;
    }
    if (is_folder(path)) {
      std::error_code ignored;
      if (fs::is_symlink(path, ignored))
        doubts.push_back(fmt::format("{} is a link to a folder and not looked into", path.string()));
    } else if (lower_case(path.extension().string()) == ".txt" && !is_names_file(path)) {
      files.push_back(path);
    }
  }
  if (error) fail_input("{}: cannot be read: {}; correct its rights, or copy it", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace boxseg
