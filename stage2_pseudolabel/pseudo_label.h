// Makes the pseudo labels of one image: attention, CAMs, CRF, retrieval (tests/README.md, stage2.h5).
#pragma once
#include <ATen/core/Tensor.h>

#include "common/crf/dense_crf.h"
#include "common/labels/feature_maps.h"
#include "common/labels/unary.h"
#include "stage2_pseudolabel/class_weights.h"

namespace boxseg {

// Holds every step's result at full resolution, for tests and reports.
struct Intermediates {
  std::vector<float> attention_raw;  // [H,W]
  UnaryParts parts;                  // u0 after the threshold, normalised CAMs
  Planes unary;                      // [1+k,H,W]
  Planes q_before_reset, q_after_reset;
  Planes correlation_before_reset;
};

// Holds, for each pixel, how sure its label is, at most 1: the CRF's probability of it in Y_crf, after foreground
// outside its boxes is set to 0, and its correlation in Y_ret. Both are [H,W], or empty: of an image without boxes, of
// no y_ret.
struct Confidences {
  std::vector<float> y_crf, y_ret;
};

struct PseudoLabels {
  LabelMap y_crf, y_ret;  // y_ret is empty when made without features
};

// features: [C,h,w], or undefined: then there is no y_ret (it needs prototypes). `kept`, if given, receives every
// step's result, and `confidences` those of the labels. An image without boxes is all background. `given`: a map of
// another tool, of which y_crf is made (join_given() of given_masks.h); the CRF runs only for what it leaves open, and
// nothing tells how sure that y_crf is.
PseudoLabels make_pseudo_labels(const UnaryOptions& options, const Geometry& geometry, const RgbImage& image,
                                const FeatureMaps& maps, const at::Tensor& features, const ClassWeights& weights,
                                DenseCrf& crf, int threads, Intermediates* kept = nullptr,
                                Confidences* confidences = nullptr, const LabelMap* given = nullptr);

}  // namespace boxseg
