#include "common/pipeline/stage/dataset_files.h"

#include "common/base/error.h"
#include "common/base/outputs.h"

namespace boxseg {

void refuse_dataset_files(const std::vector<std::filesystem::path>& outputs, const char* option,
                          const Dataset& dataset) {
  std::vector<std::filesystem::path> files;
  for (const auto& image : dataset.images) {
    files.push_back(dataset.image_path(image));
    if (image.is_copy()) files.push_back(dataset.photo_path(image));
    if (!image.mask_path.empty()) files.push_back(dataset.mask_path(image));
  }
  refuse_inputs_among(outputs, option, files);
}

std::vector<std::filesystem::path> box_files(const Dataset& dataset, const std::string& split) {
  const std::string of_all = "boxes from", of_split = of_all + " ";
  std::vector<std::filesystem::path> files;
  for (const auto& [name, value] : dataset.facts)
    if (name == of_all || (split.empty() ? name.starts_with(of_split) : name == of_split + split))
      files.push_back(value);
  return files;
}

std::vector<std::filesystem::path> label_files(const std::filesystem::path& folder, const Dataset& dataset,
                                               const std::string& split) {
  std::vector<std::filesystem::path> files;
  for (const int64_t i : dataset.split(split))
    files.push_back(folder / (output_name(dataset.images[static_cast<size_t>(i)].id) += ".png"));
  return files;
}

void refuse_overlap(const std::filesystem::path& output, const char* option, const std::filesystem::path& input,
                    const std::string& what) {
  if (input.empty()) return;
  std::error_code ignored;
  const std::filesystem::path to = std::filesystem::weakly_canonical(output, ignored),
                              from = std::filesystem::weakly_canonical(input, ignored);
  const auto holds = [](const std::filesystem::path& folder, const std::filesystem::path& path) {
    const std::filesystem::path below = path.lexically_relative(folder);
    return !below.empty() && *below.begin() != "..";
  };
  if (holds(to, from) || holds(from, to))
    fail_usage("{} {}: is, or holds, or lies in {} ({}), which could be replaced; choose a folder of its own", option,
               output.string(), what, input.string());
}

}  // namespace boxseg
