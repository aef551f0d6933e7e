// The image lists of a VOC folder (annotations: voc_annotation.h, class lists: class_list.h).
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/class_list.h"
#include "common/data/dataset.h"

namespace boxseg {

struct ListedImage {
  std::string id;
  int64_t line;  // 1-based
};
// The images of a list in its order. Besides one id a line: VOC's per-class lists ("ID 1", "ID 0"; lines with -1, whose
// class is not in the image, are left out) and DeepLab's ("/JPEGImages/ID.jpg /SegmentationClass/ID.png"). Ids may
// hold blanks: `is_image(line)` tells whether a whole line is the id of an image. Throws bad_input: ids that cannot
// name a file, an id twice, no id at all.
std::vector<ListedImage> read_image_list(const fs::path& path, const std::function<bool(const std::string&)>& is_image);

}  // namespace boxseg
