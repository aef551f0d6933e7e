// One picture of a dataset's photographs with their boxes: to see at a glance whether boxes are where they should be.
#pragma once
#include <cstdint>
#include <string>

#include "common/base/files.h"
#include "common/data/dataset.h"

namespace boxseg {

inline constexpr int64_t kMostPhotosOfSheet = 200;

// Throws usage for a name that is no JPEG's, that cannot be written, or that is a file of the dataset.
void require_sheet(const std::string& path, const Dataset& dataset);

// Writes a JPEG of the photographs in small, each with its boxes in the colours of their classes and its name below.
// Boxes that look like mistakes (suspicious_boxes.h) are thick, yellow and say what they are, and photographs with such
// boxes come first; of more than 200 photographs the others are taken evenly. A class is named in ASCII's letters, or
// by its number where these do not suffice. Returns what it shows: "200 of 5000 photographs, 3 with boxes that look
// like mistakes first". Throws bad_input where a photograph is not there.
std::string write_box_sheet(const fs::path& path, const Dataset& dataset, int threads);

}  // namespace boxseg
