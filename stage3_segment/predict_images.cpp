#include "stage3_segment/predict_images.h"

#include <map>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/data/photo_folder.h"

namespace boxseg {

std::vector<PredictImage> images_of_split(const Dataset& dataset, const std::string& split) {
  std::vector<PredictImage> images;
  for (const int64_t i : dataset.split(split)) {
    const ImageEntry& entry = dataset.images[static_cast<size_t>(i)];
    images.push_back({entry.id, dataset.image_path(entry), output_name(entry.id).string() + ".png", entry.size});
  }
  return images;
}

// Refuses an output that is a folder of photographs inside: they would be left out, or written over.
void refuse_output_of_photos(const fs::path& folder, const fs::path& output) {
  std::error_code ignored;
  const fs::path inside =
      fs::weakly_canonical(output, ignored).lexically_relative(fs::weakly_canonical(folder, ignored));
  if (inside.empty() || *inside.begin() == ".." || inside == "." || !fs::is_directory(output, ignored)) return;
  if (holds_results(output)) return;
  if (const PhotoFolder photos = find_photos(output); !photos.photos.empty())
    fail_usage("--output {}: lies in --images and holds photographs itself, such as {}; choose another",
               output.string(), photos.photos.begin()->first);
}

std::vector<PredictImage> images_of_folder(const fs::path& folder, const fs::path& output) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    fail_input("--images {}: {}", folder.string(),
               error ? error.message() : "is no folder; name the one of your photos");
  const PhotoFolder found = find_photos(folder, output);
  const std::string left_out = found.describe_left_out();
  if (found.photos.empty())
    fail_input("--images {}: holds no photograph ({}){}", folder.string(), join(image_suffixes(), ", "),
               left_out.empty() ? "" : fmt::format("; it holds {}", left_out));
  for (const auto& what : found.folders_left_out) log_warning("--images {}: left out: {}", folder.string(), what);
  if (!left_out.empty())
    log_warning("--images {}: left out: {}; photographs are {}", folder.string(), left_out,
                join(image_suffixes(), ", "));
  refuse_output_of_photos(folder, output);
  std::vector<PredictImage> images;
  std::map<std::string, std::string> file_of_output;
  for (const auto& [name, path] : found.photos) {
    const std::string id = fs::path(name).replace_extension().string();
    if (const auto [other, is_new] = file_of_output.emplace(id, name); !is_new)
      fail_input("--images {}: {} and {} would both be written as {}.png; rename one", folder.string(), other->second,
                 name, id);
    images.push_back({id, path, id + ".png", {}});
  }
  // An image "d.jpg" may stand beside a folder "d.png".
  for (const auto& image : images)
    for (fs::path parent = fs::path(image.output).parent_path(); !parent.empty(); parent = parent.parent_path())
      if (parent.extension() == ".png")
        if (const auto other = file_of_output.find(fs::path(parent).replace_extension().string());
            other != file_of_output.end())
          fail_input("--images {}: {} would be written as {}, where {} needs a folder; rename one", folder.string(),
                     other->second, parent.string(), image.id);
  return images;
}

Digest digest_of_images(const std::vector<PredictImage>& images) {
  Hasher hasher;
  for (const auto& image : images) hasher.text(image.id).text(digest_of_file(image.path));
  return hasher.digest();
}

}  // namespace boxseg
