#include "stage2_pseudolabel/pseudo_label.h"

#include "common/base/error.h"
#include "common/labels/attention.h"
#include "stage2_pseudolabel/given_masks.h"
#include "stage2_pseudolabel/labels.h"

namespace boxseg {
namespace {

// Y_crf of an image with boxes: attention and CAMs, refined by the CRF.
LabelMap refined_labels(const UnaryOptions& options, const Geometry& geometry, const RgbImage& image,
                        const FeatureMaps& maps, const Interpolation& interpolation,
                        const std::vector<float>& attention, DenseCrf& crf, int threads, Intermediates* kept,
                        Confidences* confidences) {
  auto parts = make_unary_parts(options, maps, geometry, interpolation, attention);
  auto unary = make_unary(options, parts, geometry, threads);
  if (kept) {
    kept->unary = unary;
    kept->parts = std::move(parts);
  } else {
    parts = {};
  }

  Planes q;
  q.count = unary.count, q.height = unary.height, q.width = unary.width;
  q.values = crf.infer(image.pixels, unary.values, unary.count, unary.height, unary.width);
  unary = {};
  if (kept) kept->q_before_reset = q;
  reset_outside_boxes(q, geometry);
  LabelMap labels = highest_class(q, geometry);
  if (confidences) confidences->y_crf = highest_score(q);
  if (kept) kept->q_after_reset = std::move(q);
  return labels;
}

}  // namespace

PseudoLabels make_pseudo_labels(const UnaryOptions& options, const Geometry& geometry, const RgbImage& image,
                                const FeatureMaps& maps, const at::Tensor& features, const ClassWeights& weights,
                                DenseCrf& crf, int threads, Intermediates* kept, Confidences* confidences,
                                const LabelMap* given) {
  ensure(image.height == geometry.size.height && image.width == geometry.size.width,
         "make_pseudo_labels: image {}x{}, boxes of {}x{}", image.height, image.width, geometry.size.height,
         geometry.size.width);
  PseudoLabels labels;
  if (geometry.classes.empty()) {
    labels.y_crf = LabelMap(geometry.size.height, geometry.size.width, 0);
    if (features.defined()) labels.y_ret = labels.y_crf;
    return labels;
  }
  const Interpolation interpolation(maps.cells, geometry.size, threads);
  const auto norm = feature_norm(maps, interpolation);
  const auto attention = attention_map(maps, interpolation, norm);
  if (kept) kept->attention_raw = attention;
  if (given == nullptr || leaves_something_open(*given, geometry))
    labels.y_crf = refined_labels(options, geometry, image, maps, interpolation, attention, crf, threads, kept,
                                  given == nullptr ? confidences : nullptr);
  if (given != nullptr) labels.y_crf = join_given(*given, labels.y_crf, geometry);

  if (!features.defined()) return labels;
  auto correlation = correlation_maps(features, maps, geometry, weights, interpolation, norm, attention, labels.y_crf);
  if (kept) kept->correlation_before_reset = correlation;
  reset_correlation(correlation, geometry);
  labels.y_ret = highest_class(correlation, geometry);
  if (confidences) confidences->y_ret = highest_score(correlation);
  return labels;
}

}  // namespace boxseg
