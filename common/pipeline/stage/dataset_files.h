// The files that a dataset's index names: no output may be one of them.
#pragma once
#include <filesystem>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

// Throws usage where one of the outputs is an image or a mask of the dataset, which it would replace.
void refuse_dataset_files(const std::vector<std::filesystem::path>& outputs, const char* option,
                          const Dataset& dataset);

// The label maps that a program writes to `folder`, one per image of the split: FOLDER/ID.png.
std::vector<std::filesystem::path> label_files(const std::filesystem::path& folder, const Dataset& dataset,
                                               const std::string& split);

}  // namespace boxseg
