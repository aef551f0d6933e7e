// Annotation files of COCO with their photographs, such as instances_train2017.json and train2017, as a Dataset.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/data/clipped_boxes.h"
#include "common/data/dataset.h"

namespace boxseg {

struct CocoSplit {
  std::string name;
  std::filesystem::path annotations, images;  // a file for read_coco_boxes(), and the folder of its photographs
};

struct CocoDatasetOptions {
  std::vector<CocoSplit> splits;
  // Whether boxes of crowds enter, with their flag: stage 1 learns nothing from them, stage 2 labels their pixels, and
  // COCO's AP counts neither for nor against. The report's code (KaushalJadhav/BANA, data/coco.py) takes all
  // annotations of an image, so they enter by default; the authors publish no code for COCO. Without them, what they
  // hold counts as background.
  bool keeps_crowds = true;
  // The report leaves out both kinds and has 117,040 of the 118,287 images of train2017. As 1,021 have no annotation
  // (cocoapi's issue 76), 226 of the others must have one channel.
  bool skips_grayscale = false;    // images of one channel (look_at_header()); wants looks_at_images
  bool skips_unannotated = false;  // images without a box
  // Whether photographs are there and have the annotated size, by their headers: they are not decoded, and have no
  // digests. Else sizes are the annotations', and no photograph is touched.
  bool looks_at_images = true;
  // Folder for a label map of each image whose annotations all have outlines (outlined_mask.h: the smaller object on
  // top, crowds void), as ID.png; an image without annotation is background. "": none.
  std::filesystem::path masks;
  bool skips_bad_images = false;  // leaves them, or their bad boxes, out and records them, in place of failing
  int threads = 1;
};

struct CocoSplitReport {
  int64_t annotated = 0;                                // images that the file names
  int64_t grayscale = 0, unannotated = 0, skipped = 0;  // of them left out; the last for being bad
  int64_t indexed = 0;
};

struct CocoDatasetReport {
  std::vector<CocoSplitReport> splits;  // as the options have them
  int64_t boxes = 0, crowds = 0, images_without_boxes = 0, images_with_mask = 0;
  ClippedBoxes clipped;
  std::vector<std::string> skipped;     // a message for each bad image left out
  std::vector<std::string> lost_boxes;  // a message for each box left out of an image that is kept
  std::vector<std::string> doubts;      // a sentence for each kind of thing that looks like a mistake
};

// Images stand in the order of splits and names. Box, image and category ids are those of the files, whose categories
// must be the same. The root is the folder that holds all folders of images; paths are the files' 'file_name'.
//
// Boxes are clipped to their image. Those without area are left out and told, as all loaders of COCO do: train2017 has
// two.
//
// Throws bad_input: what read_coco_boxes() throws; bad boxes and images, after looking at all, unless they are to be
// skipped: photographs that are not there (of which the first are named), of another size than annotated, without size
// where none is looked at; boxes beside their image; different categories; two images that would have one id; a split
// without an image.
Dataset index_coco(const CocoDatasetOptions& options, CocoDatasetReport& report);

// The id of a file's image: its name without suffix, in a folder named by it without the last three digits, so that no
// folder of labels holds more than a thousand of them: "000000581929.jpg" is "000000581/000000581929". Names that do
// not end in four digits or more stay as they are: "d/cat 7.jpg" is "d/cat 7".
std::string coco_image_id(const std::string& file_name);

}  // namespace boxseg
