// Boxes that are well formed, and look like mistakes all the same.
#pragma once
#include <string>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

struct Suspicion {
  bool is_tiny = false;      // less than 4 pixels wide or high
  bool holds_image = false;  // 98 % of it or more
  bool is_twice = false;     // an earlier box of the class is at the same place
  bool any() const { return is_tiny || holds_image || is_twice; }
  std::string words() const;  // "tiny, twice"; "" for none
};

// One for each box of the image. `numbers`: Dataset::box_numbers.
std::vector<Suspicion> suspicions(const ImageEntry& image, BoxNumbers numbers);

// A sentence for each kind, with the number of such boxes and the first of them.
std::vector<std::string> suspicious_boxes(const Dataset& dataset);

}  // namespace boxseg
