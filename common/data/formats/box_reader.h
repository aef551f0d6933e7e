// Boxes of any format that is known, which is told by content.
#pragma once
#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// Reads a file: COCO's JSON, CVAT's XML, a CSV, YOLO's data.yaml, or the LabelMe JSON or VOC XML of one image.
//
// Or a folder, with the folders in it, hidden ones passed over (box_formats.h). It may hold one file of COCO, CVAT or
// CSV; or files of LabelMe or VOC XML, which are read all; or YOLO's labels, with a data.yaml or a list of classes. A
// log line tells what is read as what. What else in the folder looks like annotations and is not read is in `doubts`.
//
// Images are sorted by the bytes of their names, and class names too where the file gives them no order. In `doubts`
// are also names that several images have, and names of classes that are no UTF-8.
//
// Throws bad_input: nothing is there; no known format; files of several formats, or several files of one that is read
// as one file, of which one is to be named with --boxes (`option`, in messages); and what the reader of the format
// throws.
BoxAnnotations read_boxes(const fs::path& file_or_folder, int threads, const std::string& option = "--boxes");

}  // namespace boxseg
