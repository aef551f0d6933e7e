// From scores per class to label maps.
#pragma once
#include <ATen/core/Tensor.h>

#include "common/io/image.h"
#include "stage2_pseudolabel/feature_maps.h"

namespace boxseg {

// scores: [1+k,H,W], background first. Foreground scores outside the class's boxes become 0.
void reset_outside_boxes(Planes& scores, const Geometry& geometry);

// The class with the highest score; ties go to the lower index, so to the background first.
LabelMap highest_class(const Planes& scores, const Geometry& geometry);

// Indices into geometry.boxes of those that hold no pixel of their class: a training on the labels will not see them.
std::vector<size_t> boxes_without_labels(const LabelMap& labels, const Geometry& geometry);

// Y_ret's scores, [1+k,H,W]: relu(cosine) of the feature with each label's prototype, the mean feature over Y_crf = c.
// A label without pixels: the classifier's weight vector; without that the raw 1 - A map (background: A). features:
// [C,h,w]; norm, attention: [H,W] of stage2_pseudolabel/attention.h, before the threshold.
Planes correlation_maps(const at::Tensor& features, const FeatureMaps& maps, const Geometry& geometry,
                        const ClassWeights& weights, const Interpolation& interpolation, const std::vector<float>& norm,
                        const std::vector<float>& attention, const LabelMap& y_crf);

// The background is 1 outside all boxes, the foreground 0 outside the class's boxes.
void reset_correlation(Planes& scores, const Geometry& geometry);

}  // namespace boxseg
