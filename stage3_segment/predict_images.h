// The images that `predict` is to segment: a split of a dataset, or the files of a folder.
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
  ImageSize size;      // of the dataset's index; 0x0 if not known yet
};

std::vector<PredictImage> images_of_split(const Dataset& dataset, const std::string& split);

// The .jpg, .jpeg and .png files of a folder (not of folders in it), by name; id: the name without its suffix. Throws
// bad_input when there is none, or when two files would share an output.
std::vector<PredictImage> images_of_folder(const fs::path& folder);

Digest digest_of_images(const std::vector<PredictImage>& images);  // of names and the files' bytes

}  // namespace boxseg
