#include "common/data/photo_names.h"

#include <algorithm>

#include "common/base/text.h"

namespace boxseg {
namespace {

std::string with_slashes(std::string name) {
  std::replace(name.begin(), name.end(), '\\', '/');
  return fs::path(name).lexically_normal().string();
}

bool has_photo_suffix(const std::string& file) {
  const std::string suffix = lower_case(fs::path(file).extension().string());
  const auto& known = image_suffixes();
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

// "e.f" of "d/e.f.jpg" and of "d/e.f", where f is no suffix of photographs.
std::string stem_of(const std::string& file) {
  return has_photo_suffix(file) ? fs::path(file).stem().string() : fs::path(file).filename().string();
}

}  // namespace

PhotoNames::PhotoNames(const std::map<std::string, fs::path>& photos) {
  for (const auto& [name, path] : photos) {
    const std::string file = fs::path(name).filename().string();
    of_name_[name] = name;
    of_path_stem_[fs::path(name).replace_extension().string()].push_back(name);
    of_file_[file].push_back(name);
    of_lower_file_[lower_case(file)].push_back(name);
    of_lower_stem_[lower_case(stem_of(file))].push_back(name);
  }
}

PhotoNames::Match PhotoNames::find(const AnnotatedImage& image, const fs::path& file_or_folder) const {
  if (image.file != file_or_folder && !file_or_folder.empty()) {
    const fs::path beside = image.file.lexically_relative(file_or_folder).parent_path() / image.name;
    if (const std::string name = beside.lexically_normal().string(); of_name_.count(name) > 0) return {{name}, false};
  }
  return find(image.name);
}

PhotoNames::Match PhotoNames::find(const std::string& annotated) const {
  const std::string name = with_slashes(annotated);
  for (std::string end = name; !end.empty();) {
    if (of_name_.count(end) > 0) return {{end}, false};
    if (const auto found = of_path_stem_.find(end); found != of_path_stem_.end()) return {found->second, false};
    const size_t slash = end.find('/');
    end = slash == std::string::npos ? "" : end.substr(slash + 1);
  }
  const std::string file = fs::path(name).filename().string();
  // In another folder than the annotation says, where it says one.
  const bool has_folder = name.find('/') != std::string::npos;
  if (const auto found = of_file_.find(file); found != of_file_.end()) return {found->second, has_folder};
  if (const auto found = of_lower_file_.find(lower_case(file)); found != of_lower_file_.end())
    return {found->second, true};
  // Where the annotation has no suffix, that is how its format names photographs, and no guess.
  if (const auto found = of_lower_stem_.find(lower_case(stem_of(file))); found != of_lower_stem_.end()) {
    const bool is_same = !has_photo_suffix(file) && stem_of(fs::path(found->second[0]).filename().string()) == file;
    return {found->second, !is_same || has_folder};
  }
  return {};
}

}  // namespace boxseg
