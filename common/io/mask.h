// Ground-truth masks: label PNGs, and the .mat files of SBD.
#pragma once
#include <filesystem>

#include "common/io/image.h"

namespace boxseg {

// ID.png as read_label_png, ID.mat as read_sbd_mat. Throws bad_input.
LabelMap read_mask(const std::filesystem::path& path);

// A file of SBD's folder cls (Hariharan et al., "Semantic Contours from Inverse Detectors", ICCV 2011): MATLAB 5, a
// struct GTcls with a field Segmentation, uint8 [H,W], values 0..20. Throws bad_input: missing, damaged or cut short,
// another version or byte order of MATLAB's, another content (SBD's folder inst numbers objects, not classes).
// Own code, since libmatio (1.5.23) ends the program on files that are cut short.
LabelMap read_sbd_mat(const std::filesystem::path& path);

}  // namespace boxseg
