// Reads ground-truth masks: label PNGs, and the .mat files of SBD.
#pragma once
#include <filesystem>

#include "common/io/image.h"

namespace boxseg {

// Reads ID.png as read_label_png does, ID.mat as read_sbd_mat does. Throws bad_input.
LabelMap read_mask(const std::filesystem::path& path);

// Reads a file of SBD's folder cls (Hariharan et al., "Semantic Contours from Inverse Detectors", ICCV 2011): MATLAB 5,
// a struct GTcls with a field Segmentation, uint8 [H,W], values 0..20. Throws bad_input where it is missing, damaged or
// cut short, or has another version or byte order of MATLAB's or another content (SBD's folder inst numbers objects,
// not classes). The code is our own, since libmatio (1.5.23) ends the program on files that are cut short.
LabelMap read_sbd_mat(const std::filesystem::path& path);

}  // namespace boxseg
