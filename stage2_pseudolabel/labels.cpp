#include "stage2_pseudolabel/labels.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/data/box_pixels.h"
#include "common/labels/attention.h"
#include "common/ops/cell_algebra.h"

namespace boxseg {
namespace {

void copy_attention(bool is_background, const std::vector<float>& attention, float* out) {
  for (size_t p = 0; p < attention.size(); ++p) out[p] = is_background ? attention[p] : 1.f - attention[p];
}

}  // namespace

std::vector<size_t> boxes_without_labels(const LabelMap& labels, const Geometry& geometry) {
  const auto holds_its_class = [&](const PixelBox& box) {
    return any_pixel(box, labels.width, [&](size_t p) { return labels.pixels[p] == box.class_id; });
  };
  std::vector<size_t> without;
  for (size_t i = 0; i < geometry.boxes.size(); ++i)
    if (!holds_its_class(geometry.boxes[i])) without.push_back(i);
  return without;
}

Planes correlation_maps(const at::Tensor& features, const FeatureMaps& maps, const Geometry& geometry,
                        const ClassWeights& weights, const Interpolation& interpolation, const std::vector<float>& norm,
                        const std::vector<float>& attention, const LabelMap& y_crf) {
  const auto labels = 1 + static_cast<int64_t>(geometry.classes.size());
  const auto class_of = [&](int64_t label) {
    return label == 0 ? 0 : geometry.classes[static_cast<size_t>(label - 1)];
  };
  std::vector<int32_t> label_of_class(256, -1), label_of_pixel(y_crf.pixels.size());
  for (int64_t l = 0; l < labels; ++l) label_of_class[static_cast<size_t>(class_of(l))] = static_cast<int32_t>(l);
  for (size_t p = 0; p < label_of_pixel.size(); ++p) label_of_pixel[p] = label_of_class[y_crf.pixels[p]];

  // Only directions matter below, so the sums serve as means.
  const auto counts = count_groups(label_of_pixel, labels);
  auto prototypes = pool(features, interpolation.adjoint(label_of_pixel, labels), labels, interpolation.threads());
  for (int64_t l = 0; l < labels; ++l)
    if (counts[static_cast<size_t>(l)] == 0 && weights.knows(class_of(l)))
      std::copy_n(weights.of(class_of(l)), weights.channels, prototypes.begin() + l * weights.channels);
  normalise_rows(prototypes, labels);
  const auto products = project(features, prototypes, labels, interpolation.threads());

  Planes scores(labels, geometry.size);
  for (int64_t l = 0; l < labels; ++l) {
    if (counts[static_cast<size_t>(l)] == 0 && !weights.knows(class_of(l)))
      copy_attention(l == 0, attention, scores.plane(l));
    else
      cosine_map(products.data() + l * maps.area(), interpolation, norm, scores.plane(l));
  }
  return scores;
}

void reset_correlation(Planes& scores, const Geometry& geometry) {
  float* background = scores.plane(0);
  for (size_t p = 0; p < geometry.is_background.size(); ++p)
    if (geometry.is_background[p]) background[p] = 1.f;
  reset_outside_boxes(scores, geometry);
}

}  // namespace boxseg
