// Annotated boxes on their way into a dataset.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/data/clipped_boxes.h"
#include "common/data/dataset.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

using ClassNumbers = std::unordered_map<std::string, int64_t>;  // name of a class -> its number in the dataset

// Which image the boxes are of; the first two are for messages.
struct BoxPlace {
  const fs::path& file;     // that annotates them
  const std::string& path;  // of the photograph
  ImageSize photo;          // of the upright photograph, in whose pixels boxes are annotated
  ImageSize image;          // of the image in the dataset: the photograph's, or a smaller copy's
};

// An annotated image on its way into a dataset.
struct IncomingImage {
  const AnnotatedImage* annotated = nullptr;
  ImageEntry entry;
  ClippedBoxes clipped;
  std::vector<std::string> lost_boxes;  // a message for each box that does not come along
  std::string error;                    // what is wrong with it; "" for nothing
};

struct PlacedBoxes {
  std::vector<Box> boxes;         // edges of pixels of the image, clipped to it
  std::vector<std::string> ids;   // of each box; empty where the annotations have none
  std::vector<size_t> annotated;  // of each box its place among those that were given
  std::vector<size_t> lost;       // the places of boxes that have no pixel of the image
  ClippedBoxes clipped;
};

// Boxes must be in pixels, and their classes among the numbers.
PlacedBoxes place_boxes(const std::vector<AnnotatedBox>& boxes, const ClassNumbers& class_of, const BoxPlace& place);
std::string describe_lost(const AnnotatedBox& box, const BoxPlace& place);  // a message for one of these

// Throws bad_input where the annotations tell a size, and the photograph at `path` has another one.
void require_annotated_size(const AnnotatedImage& annotated, const std::string& path, ImageSize photo);

}  // namespace boxseg
