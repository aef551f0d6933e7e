// What is kept of an image's features: a few maps on the feature cells, from which everything but Y_ret follows without
// the features or the network. This is what attention shards hold.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "stage2_pseudolabel/geometry.h"
#include "stage2_pseudolabel/interpolation.h"

namespace boxseg {

// The classifier's weight vectors, found by the class ids of the dataset.
struct ClassWeights {
  int64_t channels = 0;
  std::vector<double> rows;           // [K',C], K' classes of the classifier
  std::vector<int64_t> row_of_class;  // by class id of the dataset; -1: the classifier does not know the class

  bool knows(int64_t class_id) const;
  const double* of(int64_t class_id) const;  // [C]; only of a known class
};

struct FeatureMaps {
  ImageSize cells;
  std::vector<float> gram;        // [5,h,w], common/nn/gram_maps.h
  std::vector<float> query_maps;  // [J,h,w], unit query times feature; J = 0: nothing to compare with, attention is 0
  std::vector<float> background_map;  // [h,w], w_0 times feature; empty when the classifier has no background
  std::vector<float> class_maps;      // [k,h,w], w_c times feature for each class of the image; 0 for unknown ones
  std::vector<uint8_t> is_known;      // [k]

  int64_t area() const { return cells.height * cells.width; }
  int64_t queries() const { return area() ? static_cast<int64_t>(query_maps.size()) / area() : 0; }
  friend bool operator==(const FeatureMaps&, const FeatureMaps&) = default;
};

// The mean feature of the background pixels of each cell of the grid that has any, over the interpolated features.
struct BackgroundQueries {
  std::vector<int64_t> cell_ids;   // [J]
  std::vector<double> prototypes;  // [J,C]
};
// features: [C,h,w] float32. An image without background has one query: the classifier's weight of the background (the
// authors' code divides by zero there and makes all of the image background), or none if there is no such weight.
BackgroundQueries background_queries(const at::Tensor& features, const Geometry& geometry, const ClassWeights& weights,
                                     const Interpolation& interpolation, int64_t grid);

FeatureMaps measure_features(const at::Tensor& features, const Geometry& geometry, const ClassWeights& weights,
                             int64_t grid, int threads);

}  // namespace boxseg
