// Makes class activation maps at full resolution, normalised inside the boxes.
#pragma once
#include <vector>

#include "common/labels/feature_maps.h"
#include "common/labels/geometry.h"
#include "common/labels/interpolation.h"
#include "common/labels/planes.h"

namespace boxseg {

// Returns relu(F . w_c) for each class of the image, [k,H,W]; 0 for classes without classifier weight.
Planes class_activations(const FeatureMaps& maps, const Interpolation& interpolation);

// Divides a map inside each box of the class by its maximum there + 1e-12, and sets it to 0 outside. Where two boxes of
// a class overlap the later one decides, as in the authors' code. Boxes without pixels do nothing.
void normalise_in_boxes(const float* raw, const Geometry& geometry, int64_t class_id, float* out);

// Returns the background without attention, [H,W] (--background u_b): relu(F . w_0), 0 inside all boxes, divided by its
// maximum (0 where that is 0, for which the report's code has NaN).
std::vector<float> background_activation(const FeatureMaps& maps, const Geometry& geometry,
                                         const Interpolation& interpolation);

// Returns the paper's form (--background u_b_paper): relu(F . w_0), divided inside each box by its maximum there, and 1
// outside all boxes.
std::vector<float> background_activation_of_paper(const FeatureMaps& maps, const Geometry& geometry,
                                                  const Interpolation& interpolation);

}  // namespace boxseg
