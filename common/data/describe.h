// Describes any artifact as text, for people: `prepare show FILE`.
#pragma once
#include <string>

#include "common/base/files.h"

namespace boxseg {

// Describes HDF5 (a dataset index as a summary, others as a listing), label PNGs with the share of each value, other
// images, .npy, .pt checkpoints (entries and our record; nothing in them is run) and text. Throws bad_input for
// anything else.
std::string describe_file(const fs::path& path);

}  // namespace boxseg
