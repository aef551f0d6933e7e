// Turns the features of an image into the maps that are kept of them (common/labels/feature_maps.h).
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "common/labels/feature_maps.h"
#include "common/labels/geometry.h"
#include "common/labels/interpolation.h"
#include "stage2_pseudolabel/class_weights.h"

namespace boxseg {

// Holds, for each cell of the grid that has background pixels, their mean feature over the interpolated features.
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
