// Reads class names in the order of label values. A name too many or too few in front shifts all classes, and every
// result is wrong without looking wrong: so lists are read as other tools write them, and what is made of them is said.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

// Returns "background", "aeroplane", ..., "tvmonitor": 21 names, in the order of VOC's label values.
const std::vector<std::string>& voc_class_names();

// Makes "background" the first name. A first name such as "_background_" (labelme) or "Background" is taken for it, and
// "__ignore__" before it (labelme's name of void, 255) is left out; both are said in a warning. Throws bad_input with
// `where`: no names, a name twice, more than 254 classes, a background that is not the first, a name that is empty, no
// UTF-8 or has control characters.
std::vector<std::string> with_background(std::vector<std::string> names, const std::string& where);

// Reads one name a line. Comments (lines that begin with "#") and empty lines are left out, with a warning where they
// may have been meant as a class. Throws bad_input as with_background and read_text_file do.
std::vector<std::string> read_class_list(const fs::path& path);

}  // namespace boxseg
