// What files of boxes say, in whatever format they are, before any photograph was looked at. Each format has a reader
// (coco_boxes.h, yolo_boxes.h, csv_boxes.h, labelme_boxes.h, cvat_boxes.h, voc_boxes.h); box_reader.h tells which.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/io/image.h"

namespace boxseg {

// Sides are edges of pixels, 0-based and half-open: a box over the whole of an image of 40 x 30 is (0, 0, 40, 30).
// Readers of formats with other numbers (VOC's are 1-based and inclusive) convert them. A box is not yet clipped to its
// image, but x0 <= x1 and y0 <= y1 hold, and all numbers are finite.
struct AnnotatedBox {
  std::string class_name;
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  std::string id;  // of the annotation in its file (COCO's "id"); "" where the format has none
  bool is_difficult = false, is_crowd = false;
  // Where the file has it, the object's outline: rings x, y, x, y, ... in the same edges, filled by the even-odd rule
  // each, and joined. Or COCO's run lengths, column by column, of an image of `runs_size`, beginning with zeros.
  std::vector<std::vector<double>> rings;
  std::vector<uint32_t> runs;
  ImageSize runs_size;
  double score = 1;   // of a detection
  std::string place;  // "annotations[7]", "line 12", "object 3": completes the name of the file in a message
};

struct AnnotatedImage {
  std::string name;  // of the photograph as the file has it: "d/e f.jpg", "C:\\photos\\a.jpg"; YOLO: without suffix
  std::string id;    // of the image in its file (COCO's "id"); "" where the format has none
  ImageSize size;    // 0 x 0 where the file does not tell it
  fs::path file;     // that says so: the one file, or this image's own
  std::vector<AnnotatedBox> boxes;
};

struct BoxAnnotations {
  std::string format;                    // for people: "COCO JSON", "YOLO", "CSV", "LabelMe", "CVAT XML", "VOC XML"
  std::vector<std::string> class_names;  // without background: in the file's own order, or where it has none sorted
  std::vector<std::string> class_ids;    // what the file calls them (COCO's category ids), or empty
  bool has_class_order = false;          // whether the file has one (COCO's category ids, YOLO's and CVAT's lists)
  bool is_in_shares = false;             // boxes and rings are shares of width and height (YOLO)
  bool is_of_detections = false;         // boxes are what a program has found, several in one place, with scores
  std::vector<AnnotatedImage> images;    // sorted by name; those without a box too, where the format can say so
  std::vector<std::string> bad_boxes;    // a message each ("FILE: PLACE ..."), for boxes that are not among them
  // Where the file tells it (YOLO's data.yaml, some CSVs): name of a split ("train", "val", "test") -> names of its
  // images, those too that have no file of labels and are therefore not among `images`.
  std::map<std::string, std::vector<std::string>> splits;
  std::vector<std::string> doubts;  // a sentence for each kind of thing that was guessed, or looks like a mistake
};

}  // namespace boxseg
