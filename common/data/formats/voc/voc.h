// A VOC folder (JPEGImages, Annotations, lists, masks) as a Dataset, every file checked.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "common/data/dataset.h"
#include "common/data/formats/voc/voc_files.h"
#include "common/data/formats/voc/voc_lists.h"

namespace boxseg {

struct VocOptions {
  fs::path root;
  // Name and list. A list is a file, or a name below ROOT or ROOT/ImageSets/Segmentation with or without ".txt".
  std::vector<std::pair<std::string, std::string>> splits;
  std::vector<std::string> class_names;    // with background; empty: ROOT/classes.txt if there, else VOC's 21
  std::string masks;                       // folder (below ROOT, or any) of ID.png or SBD's ID.mat; "":
                                           // SegmentationClassAug, else SegmentationClass, else none; "none"
  std::vector<std::string> without_boxes;  // splits whose images need no annotation (VOC's test images have none)
  bool skips_bad_images = false;           // leave them, or their bad boxes, out and record them, instead of failing
  int threads = 1;
  std::vector<KnownList> known_lists = voc_lists();  // held against the splits of datasets with VOC's classes
};

struct VocReport {
  int64_t boxes = 0, clipped_boxes = 0, difficult_boxes = 0;
  int64_t images_without_boxes = 0, images_with_mask = 0;
  std::string most_clipped_box;           // a sentence on the box that lost the largest part
  std::vector<std::string> skipped;       // one message per image left out
  std::vector<std::string> lost_boxes;    // one message per box left out of an image that is kept
  std::vector<std::string> doubts;        // one message per kind of thing that was guessed, or looks like a mistake
  std::string class_source, mask_folder;  // where they came from, for people
};

// Checks every image (its header, that it is whole, its size against the annotation's), box and mask (size, values)
// on `threads` threads, and digests the bytes. Boxes that reach over the border are clipped to VOC's 1..W, 1..H and
// counted; those entirely outside are refused. All bad images are found before the first is thrown (bad_input: its
// message, and how many more there are); with skips_bad_images they are left out, but of an image that has good boxes
// only the bad ones. Unknown class names are never skipped: they mean that the class list is wrong. Masks are held
// against boxes (see class_agreement.h) and splits against each other; a folder that was named and has no mask of any
// image is refused. The result does not depend on the number of threads.
Dataset index_voc(const VocOptions& options, VocReport& report);

// Reads all files of a dataset again and compares them with the index: one message per file that is gone, damaged or
// changed; empty when all are as they were. Of images that were indexed without a digest only the sizes are compared
// (look_at_header()).
std::vector<std::string> changed_files(const Dataset& dataset, int threads);

}  // namespace boxseg
