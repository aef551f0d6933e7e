// Keeps of an image's features a few maps on the feature cells, from which everything but Y_ret follows without the
// features or the network. Attention shards hold them.
#pragma once
#include <cstdint>
#include <vector>

#include "common/io/image.h"

namespace boxseg {

struct FeatureMaps {
  ImageSize cells;
  std::vector<float> gram;        // [5,h,w], common/ops/gram_maps.h
  std::vector<float> query_maps;  // [J,h,w], unit query times feature; J = 0: nothing to compare with, attention is 0
  std::vector<float> background_map;  // [h,w], w_0 times feature; empty when the classifier has no background
  std::vector<float> class_maps;      // [k,h,w], w_c times feature for each class of the image; 0 for unknown ones
  std::vector<uint8_t> is_known;      // [k]

  int64_t area() const { return cells.height * cells.width; }
  int64_t queries() const { return area() ? static_cast<int64_t>(query_maps.size()) / area() : 0; }
  friend bool operator==(const FeatureMaps&, const FeatureMaps&) = default;
};

}  // namespace boxseg
