// The files that a dataset's index names: no output may be one of them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

// Throws usage where one of the outputs is an image of the dataset, the photograph that it is a copy of, or a mask,
// which it would replace.
void refuse_dataset_files(const std::vector<std::filesystem::path>& outputs, const char* option,
                          const Dataset& dataset);

// The files that the boxes came from, as `prepare boxes` and `prepare coco` note them: of one split, or, without its
// name, of all. None where that is not known.
std::vector<std::filesystem::path> box_files(const Dataset& dataset, const std::string& split = "");

// The label maps that a program writes to `folder`, one per image of the split: FOLDER/ID.png.
std::vector<std::filesystem::path> label_files(const std::filesystem::path& folder, const Dataset& dataset,
                                               const std::string& split);

// Refuses an `output` that is an input, lies in an input's folder, or is a folder that holds it: what is written could
// take the place of what is read. `what`: "--labels", or "the boxes". An empty input is none.
void refuse_overlap(const std::filesystem::path& output, const char* option, const std::filesystem::path& input,
                    const std::string& what);

}  // namespace boxseg
