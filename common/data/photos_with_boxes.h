// The photographs of a folder and what files of boxes say about them, joined to a dataset.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/data/dataset.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

struct PhotosWithBoxesOptions {
  fs::path images;                       // folder of the photographs, with folders in it
  fs::path boxes;                        // what the annotations were read from
  std::vector<std::string> class_names;  // with background, fixes their order; empty: those of the annotations
  double validation_share = 0;           // of the images, drawn by the seed, where the annotations have no splits
  uint64_t seed = 0;
  fs::path masks;  // folder for the label maps of images whose objects have outlines; "": outlines are left out
  // Pixels: of a photograph with a longer side the dataset has a smaller copy, which is written to the folder `copies`;
  // 0: all are taken as they are.
  int64_t longest_side = 0;
  fs::path copies;
  bool skips_bad_images = false;
  int threads = 1;
};

struct PhotosWithBoxesReport {
  int64_t boxes = 0, clipped_boxes = 0, images_without_boxes = 0, images_with_mask = 0;
  int64_t photos_without_annotation = 0;  // which are no part of the dataset
  std::string most_clipped_box;           // a sentence on the box that lost the largest part
  std::vector<std::string> skipped;       // a message for each image left out
  std::vector<std::string> lost_boxes;    // a message for each box left out of an image that is kept
  std::vector<std::string> doubts;        // a sentence for each kind of thing that was guessed, or looks like a mistake
};

// Boxes become edges of pixels of the upright photograph, clipped to it. Ids are the photographs' names below the
// folder without suffix, in their order. Splits are `all`, and those of the annotations, or `train` and `val` where a
// share for validation is asked for. Every photograph is decoded. Of an image that is a copy, size, boxes and mask are
// the copy's. Throws bad_input where images or boxes are bad, after looking at all of them, unless they are to be
// skipped: a photograph that is not there or damaged, two that a name may mean, another size than annotated, boxes
// beside their image, a class that the list does not have. Throws usage where `copies` is a folder of photographs.
Dataset join_photos_and_boxes(const BoxAnnotations& annotations, const PhotosWithBoxesOptions& options,
                              PhotosWithBoxesReport& report);

// A box and its rings in pixels of an image, from shares of its sides (BoxAnnotations::is_in_shares).
AnnotatedBox in_pixels(AnnotatedBox box, ImageSize size);

}  // namespace boxseg
