// Own photographs and their outlines as COCO's archives have them.
#pragma once
#include <string>

#include "tests/own/drawn_masks.h"

namespace boxseg::test {

// Makes annotations/instances_val2017.json and val2017 in a folder, with another name for one of the classes.
inline fs::path coco_of(const OwnPhotos& photos) {
  const fs::path coco = photos / "a coco";
  std::string annotations = read_file(DrawnMasks(photos).coco(DrawnMasks::Segmentation::polygons));
  const std::string known = "zèbre";
  annotations.replace(annotations.find(known), known.size(), "okapi");
  const std::string outline = "\"segmentation\"", more = "\"area\": 300, \"iscrowd\": 0, ";  // AP wants these, too
  for (size_t at = 0; (at = annotations.find(outline, at)) != std::string::npos; at += more.size() + outline.size())
    annotations.insert(at, more);
  write_file(coco / "annotations/instances_val2017.json", annotations);
  fs::copy(photos.images, coco / "val2017");
  return coco;
}

}  // namespace boxseg::test
