// The lists 'images' and 'categories' of a COCO file.
#pragma once
#include <string>
#include <vector>

#include "common/data/formats/box_annotations.h"
#include "common/data/formats/coco/coco_ids.h"
#include "common/data/formats/entry_doubts.h"

namespace boxseg {

struct CocoImages {
  std::vector<AnnotatedImage> images;  // in the file's order, one for each 'file_name', without boxes
  std::vector<int64_t> image_of;       // for each entry of the list its place in `images`
  CocoIdIndex entry_of{{}};            // from ids to entries of the list
};
// Throws bad_input: no images, an image without id or name, one id for images of two names. What stands twice is told
// in doubts, and so is a size that is no size, which counts as 0 x 0.
CocoImages read_coco_images(const CutFile& cut, const fs::path& file, int threads, EntryDoubts& doubts);

struct CocoCategories {
  std::vector<std::string> class_names;  // by rising id of their first category
  std::vector<std::string> class_ids;    // of that category
  std::vector<int64_t> class_of;         // for each category by rising id its place in `class_names`; -1: background
  CocoIdIndex category_of{{}};           // from ids to places in `class_of`
  std::vector<std::string> supercategory_of;  // for each category by rising id, or ""
};
// Throws bad_input: no categories, a category without id or name, one id for two names, numbers and texts as ids.
CocoCategories read_coco_categories(const CutFile& cut, const fs::path& file, EntryDoubts& doubts);

}  // namespace boxseg
