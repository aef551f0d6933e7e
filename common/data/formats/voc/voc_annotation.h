// One annotation in VOC's XML, as it stands in its file: classes are names, and boxes have VOC's numbers.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/io/image.h"

namespace boxseg {

struct VocBox {
  std::string class_name;
  // VOC's numbers are 1-based and inclusive: xmin = xmax is one pixel. Float32, as the authors read them.
  float xmin = 0, ymin = 0, xmax = 0, ymax = 0;
  bool is_difficult = false;
  int64_t object = 0;  // 1-based; an object may have several boxes
};

struct VocAnnotation {
  ImageSize size;             // 0x0 where the annotation says so, as labelImg does for an image that it could not read
  std::vector<VocBox> boxes;  // as annotated: not yet clipped
  std::map<std::string, int64_t> objects_of_class;  // name -> number of objects with a <bndbox>, a bad one included
  std::vector<std::string> bad_boxes;               // one message each, for boxes that are not among `boxes`
  std::string image_name;                           // of <filename>, "" where there is none
  std::string rotated;                              // "FILE: object 3 (cat)": the first that was drawn as a rotated box
};

struct VocAnnotationRules {
  bool needs_size = true;  // without it an annotation without <size> has the size 0x0
  // What a user may do about a bad file instead of correcting it: the end of most messages.
  std::string other_remedy = ", or leave the image out of the list";
};

// Objects of an annotation in their order, difficult ones included (the authors train on them), with every <bndbox> of
// each. Inverted boxes, numbers that are none, and objects without a name or box make a box bad.
// Throws bad_input: not XML, or two documents in one file; no <size>; an <object> elsewhere than directly in
// <annotation>, which no reader would find.
VocAnnotation read_voc_annotation(const fs::path& path, const VocAnnotationRules& rules = {});

}  // namespace boxseg
