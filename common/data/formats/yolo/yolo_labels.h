// The lines of one file of YOLO labels.
#pragma once
#include <string>
#include <vector>

#include "common/data/formats/box_annotations.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/yolo/yolo_config.h"

namespace boxseg {

// Reads one file of labels after the other, and remembers what has to be said about all of them. A line is
//   CLASS CX CY W H                 a box: its centre and its size
//   CLASS CX CY W H CONFIDENCE      a box that a network found
//   CLASS X1 Y1 X2 Y2 X3 Y3 ...     a polygon of three or more points (a box that was drawn turned has four): the box
//                                   is its extents, and the points are the ring
//   CLASS CX CY W H POINTS          where data.yaml has "kpt_shape": a box, and points of a pose, which are not read
// with numbers in shares of the image's width and height.
class YoloLabelReader {
 public:
  explicit YoloLabelReader(const YoloConfig& config) : config_(config) {}

  // The boxes of the file; lines that are none of these go to `bad_boxes`. Throws bad_input where it is no text file.
  std::vector<AnnotatedBox> read(const fs::path& file, std::vector<std::string>& bad_boxes);

  int64_t highest_class() const { return highest_class_; }  // number; -1 for none
  void describe(std::vector<std::string>& doubts) const;

 private:
  AnnotatedBox read_line(const std::string& line, const std::string& where);
  int64_t read_class(const std::string& text, const std::string& where) const;

  const YoloConfig& config_;
  int64_t highest_class_ = -1;
  Tally confidences_, keypoints_, outside_;
};

// Tells labels from other texts (a README, a list of images): a text with letters in it and without a single line of
// a number and four more is none. One that is empty, or holds numbers only, is.
bool looks_like_yolo_labels(std::string_view text);

}  // namespace boxseg
