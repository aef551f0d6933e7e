// The text files of a VOC folder: annotations and image lists (class lists: class_list.h).
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/class_list.h"
#include "common/data/dataset.h"

namespace boxseg {

struct VocAnnotation {
  ImageSize size;          // 0x0 where the annotation says so, as labelImg does for an image that it could not read
  std::vector<Box> boxes;  // as annotated: not yet clipped; class_id -1 for a class that is not in the list
  std::vector<int64_t> object_of_box;              // 1-based; an object may have several boxes
  std::map<std::string, int64_t> unknown_classes;  // name -> number of objects
  std::vector<std::string> bad_boxes;              // one message each, for boxes that are not among `boxes`
  std::string image_name;                          // of <filename>, "" where there is none
  std::string rotated;                             // "object 3 (cat)": the first that was drawn as a rotated box
};
// Objects of an annotation in their order, difficult ones included (the authors train on them), with every <bndbox> of
// each. VOC's numbers are inclusive: xmin = xmax is one pixel. Inverted boxes, numbers that are none, and objects
// without a name or box make a box bad.
// Throws bad_input: not XML, or two documents in one file; no <size>; an <object> elsewhere
// than directly in <annotation>, which no reader would find.
VocAnnotation read_voc_annotation(const fs::path& path, const std::vector<std::string>& class_names);

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
