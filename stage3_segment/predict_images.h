// Finds the images that `predict` is to segment: a split of a dataset, or the files of a folder.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"

namespace boxseg {

struct PredictImage {
  std::string id;
  fs::path path;
  std::string output;  // relative to the output folder: "ID.png"
  ImageSize size;      // as the dataset's index has it; 0x0 if not known yet
};

std::vector<PredictImage> images_of_split(const Dataset& dataset, const std::string& split);

// Returns the photographs of a folder and of the folders in it, by name; id: the name below the folder without its
// suffix. A warning counts the files that are none. `output` may be inside and is left out. Throws bad_input when there
// is no photograph, or when two would share an output.
std::vector<PredictImage> images_of_folder(const fs::path& folder, const fs::path& output);

Digest digest_of_images(const std::vector<PredictImage>& images);  // digest of names and the files' bytes

}  // namespace boxseg
