// Photographs that annotations name and a folder lacks.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

// A message that names the first of them, and the folder beside or in `images` that has it, where there is one. `all`:
// the number of images in the annotations.
std::string describe_missing_photos(const fs::path& annotations, const fs::path& images,
                                    const std::vector<std::string>& missing, size_t all);

}  // namespace boxseg
