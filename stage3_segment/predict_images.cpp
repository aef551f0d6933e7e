#include "stage3_segment/predict_images.h"

#include <algorithm>
#include <map>

#include "common/base/error.h"

namespace boxseg {
namespace {

bool is_image_name(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png";
}

}  // namespace

std::vector<PredictImage> images_of_split(const Dataset& dataset, const std::string& split) {
  std::vector<PredictImage> images;
  for (const int64_t i : dataset.split(split)) {
    const ImageEntry& entry = dataset.images[static_cast<size_t>(i)];
    images.push_back({entry.id, dataset.image_path(entry), output_name(entry.id).string() + ".png", entry.size});
  }
  return images;
}

std::vector<PredictImage> images_of_folder(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) fail_input("--images {}: cannot be read: {}", folder.string(), error.message());
  std::map<std::string, fs::path> by_name;  // sorted: the order of a folder is the file system's whim
  for (const auto& entry : entries)
    if (entry.is_regular_file() && is_image_name(entry.path()))
      by_name[entry.path().filename().string()] = entry.path();
  std::vector<PredictImage> images;
  std::map<std::string, std::string> file_of_output;
  for (const auto& [name, path] : by_name) {
    const std::string id = path.stem().string();
    if (const auto [other, is_new] = file_of_output.emplace(id, name); !is_new)
      fail_input("--images {}: {} and {} would both be written as {}.png; rename one", folder.string(), other->second,
                 name, id);
    images.push_back({id, path, id + ".png", {}});
  }
  if (images.empty()) fail_input("--images {}: holds no .jpg, .jpeg or .png file", folder.string());
  return images;
}

Digest digest_of_images(const std::vector<PredictImage>& images) {
  Hasher hasher;
  for (const auto& image : images) hasher.text(image.id).text(digest_of_file(image.path));
  return hasher.digest();
}

}  // namespace boxseg
