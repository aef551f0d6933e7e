// Boxes in the COCO API's annotation files, such as instances_train2017.json, and the many tools that write the same.
#pragma once
#include <string_view>

#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// All images of the file, those without annotations too, with their boxes in the file's order. `class_names` are the
// categories by rising id, which may have gaps; categories of one name are one class, and one named background is none.
// Images that stand twice under one 'file_name' are one, with the boxes of both.
//
// In `bad_boxes`: annotations without a box (coco_annotation.h), or of a category that 'categories' lacks. In `doubts`:
// annotations of images that 'images' lacks, which are left out; ids that stand twice; and boxes that look as if they
// were corners, shares, or other than their outlines.
//
// Throws bad_input, with the place: the file cannot be read, is no JSON (UTF-16, cut short), is a list of detections,
// or has captions, panoptic segments or keypoints alone; a list is missing; an image without a name, a category without
// one; one id for two images, or for two categories; no annotation is of any image.
//
// The text is in memory while it is read: 860,000 annotations with outlines (450 MB) need about 1.2 GB. Outlines that
// are not to be kept are read and looked at, and left out.
BoxAnnotations read_coco_boxes(const fs::path& file, int threads, bool keeps_outlines = true);

// Whether a file is meant for read_coco_boxes(), by the names at its beginning (at most a million bytes): two of
// "images", "annotations" and "categories", or one where the file goes on. True also for lists of detections, which
// read_coco_boxes() refuses with the reason. False for what cannot be read.
bool is_coco(const fs::path& file);
bool looks_like_coco(std::string_view text, bool is_cut);  // is_cut: text is only the beginning of a file

}  // namespace boxseg
