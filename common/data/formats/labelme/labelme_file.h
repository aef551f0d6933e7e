// One file of LabelMe: a photograph with its shapes.
#pragma once
#include <string>
#include <vector>

#include "common/data/formats/box_annotations.h"
#include "common/data/formats/entry_doubts.h"

namespace boxseg {

struct LabelmeImage {
  AnnotatedImage image;
  std::vector<std::string> bad_boxes;
};
// `order`: of the file among others, for doubts. Throws bad_input as read_labelme_boxes() does.
LabelmeImage read_labelme_file(const fs::path& file, size_t order, EntryDoubts& doubts);

}  // namespace boxseg
