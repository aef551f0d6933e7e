#include "common/pipeline/stage/dataset_files.h"

#include "common/base/outputs.h"

namespace boxseg {

void refuse_dataset_files(const std::vector<std::filesystem::path>& outputs, const char* option,
                          const Dataset& dataset) {
  std::vector<std::filesystem::path> files;
  for (const auto& image : dataset.images) {
    files.push_back(dataset.image_path(image));
    if (!image.mask_path.empty()) files.push_back(dataset.mask_path(image));
  }
  refuse_inputs_among(outputs, option, files);
}

std::vector<std::filesystem::path> label_files(const std::filesystem::path& folder, const Dataset& dataset,
                                               const std::string& split) {
  std::vector<std::filesystem::path> files;
  for (const int64_t i : dataset.split(split))
    files.push_back(folder / (output_name(dataset.images[static_cast<size_t>(i)].id) += ".png"));
  return files;
}

}  // namespace boxseg
