// Makes label maps from scores per class.
#pragma once
#include <ATen/core/Tensor.h>

#include "common/io/image.h"
#include "common/labels/feature_maps.h"
#include "common/labels/geometry.h"
#include "common/labels/interpolation.h"
#include "common/labels/planes.h"
#include "stage2_pseudolabel/class_weights.h"

namespace boxseg {

// Returns the indices into geometry.boxes of those that hold no pixel of their class: a training on the labels will not
// see them.
std::vector<size_t> boxes_without_labels(const LabelMap& labels, const Geometry& geometry);

// Returns Y_ret's scores, [1+k,H,W]: relu(cosine) of the feature with each label's prototype, the mean feature over
// Y_crf = c. A label without pixels has the classifier's weight vector in its place; without that its score is the raw
// 1 - A map (background: A). features: [C,h,w]; norm, attention: [H,W] of common/labels/attention.h, before the
// threshold.
Planes correlation_maps(const at::Tensor& features, const FeatureMaps& maps, const Geometry& geometry,
                        const ClassWeights& weights, const Interpolation& interpolation, const std::vector<float>& norm,
                        const std::vector<float>& attention, const LabelMap& y_crf);

// Sets the background to 1 outside all boxes, and the foreground to 0 outside the class's boxes.
void reset_correlation(Planes& scores, const Geometry& geometry);

}  // namespace boxseg
