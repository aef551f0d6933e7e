// Smaller copies of large photographs, which the stages read in their place.
#pragma once
#include <string>

#include "common/base/files.h"
#include "common/io/image.h"

namespace boxseg {

// The file of a copy, for the id of its image: "d/e f.png".
fs::path copy_name(const std::string& id);

// PNG: a copy is the only one that a stage sees, and a CRF that tells colours apart by 3 grey levels also tells the
// blocks of a JPEG apart.
std::string encoded_copy(const RgbImage& image);

// Makes the folder, and marks it as one of copies. Throws usage where it is the folder of the photographs, holds it,
// or lies in it and has photographs of its own, which copies of their names would replace.
void claim_folder_of_copies(const fs::path& copies, const fs::path& photos);

}  // namespace boxseg
