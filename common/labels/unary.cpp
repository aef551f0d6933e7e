#include "common/labels/unary.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/labels/attention.h"
#include "common/labels/cam.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

void fill_unknown_class(bool fills_boxes, const Geometry& geometry, int64_t class_id,
                        const std::vector<float>& attention, float* out) {
  for (const auto& box : geometry.boxes) {
    if (box.class_id != class_id) continue;
    for (int64_t y = box.y0; y < box.y1; ++y)
      for (int64_t p = y * geometry.size.width + box.x0; p < y * geometry.size.width + box.x1; ++p)
        out[p] = fills_boxes ? 1.f : 1.f - attention[static_cast<size_t>(p)];
  }
}

void softmax_at(Planes& planes, int64_t p) {
  float maximum = planes.plane(0)[p], sum = 0;
  for (int64_t k = 1; k < planes.count; ++k) maximum = std::max(maximum, planes.plane(k)[p]);
  for (int64_t k = 0; k < planes.count; ++k) {
    float& value = planes.plane(k)[p];
    value = std::exp(value - maximum);
    sum += value;
  }
  for (int64_t k = 0; k < planes.count; ++k) planes.plane(k)[p] /= sum;
}

}  // namespace

BackgroundUnary parse_background(const std::string& name) {
  if (name == "u0") return BackgroundUnary::attention;
  if (name == "u_b") return BackgroundUnary::activation;
  if (name == "u_b_paper") return BackgroundUnary::activation_of_paper;
  fail_usage("--background {}: expected u0, u_b or u_b_paper", name);
}

UnaryParts make_unary_parts(const UnaryOptions& options, const FeatureMaps& maps, const Geometry& geometry,
                            const Interpolation& interpolation, const std::vector<float>& attention) {
  UnaryParts parts;
  switch (options.background) {
    case BackgroundUnary::attention:
      parts.background = threshold_attention(attention, options.threshold);
      break;
    case BackgroundUnary::activation:
      parts.background = background_activation(maps, geometry, interpolation);
      break;
    case BackgroundUnary::activation_of_paper:
      parts.background = background_activation_of_paper(maps, geometry, interpolation);
      break;
  }
  if (options.fills_unknown_boxes)
    for (size_t p = 0; p < parts.background.size(); ++p)
      if (!geometry.is_background[p]) parts.background[p] = 0.f;

  const Planes raw = class_activations(maps, interpolation);
  parts.foreground = Planes(raw.count, geometry.size);
  for (int64_t k = 0; k < raw.count; ++k) {
    const int64_t class_id = geometry.classes[static_cast<size_t>(k)];
    if (maps.is_known[static_cast<size_t>(k)])
      normalise_in_boxes(raw.plane(k), geometry, class_id, parts.foreground.plane(k));
    else
      fill_unknown_class(options.fills_unknown_boxes, geometry, class_id, attention, parts.foreground.plane(k));
  }
  return parts;
}

Planes make_unary(const UnaryOptions& options, const UnaryParts& parts, const Geometry& geometry, int threads) {
  const bool is_map_outside = options.background == BackgroundUnary::activation;
  Planes unary(1 + parts.foreground.count, geometry.size);
  std::copy(parts.background.begin(), parts.background.end(), unary.plane(0));
  std::copy(parts.foreground.values.begin(), parts.foreground.values.end(), unary.values.begin() + unary.area());
  parallel_for(unary.area(), 8192, threads, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      if (!geometry.is_background[static_cast<size_t>(p)])
        softmax_at(unary, p);
      else if (!is_map_outside)
        unary.plane(0)[p] = 1.f;
    }
  });
  return unary;
}

}  // namespace boxseg
