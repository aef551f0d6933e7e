#include "common/labels/cam.h"

#include <algorithm>

#include "common/base/error.h"

namespace boxseg {
namespace {

template <class Do>
void for_each_row(const PixelBox& box, int64_t width, Do&& act) {
  for (int64_t y = box.y0; y < box.y1; ++y) act(y * width + box.x0, y * width + box.x1);
}

void normalise_in_box(const float* raw, const PixelBox& box, int64_t width, float* out) {
  float maximum = 0.f;
  for_each_row(box, width, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) maximum = std::max(maximum, raw[p]);
  });
  const float divisor = maximum + 1e-12f;
  for_each_row(box, width, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) out[p] = raw[p] / divisor;
  });
}

std::vector<float> raw_background(const FeatureMaps& maps, const Interpolation& interpolation) {
  ensure(!maps.background_map.empty(), "the classifier has no weight for the background");
  std::vector<float> raw(static_cast<size_t>(interpolation.pixels().height * interpolation.pixels().width));
  interpolation.map(maps.background_map.data(), raw.data());
  for (auto& value : raw) value = std::max(value, 0.f);
  return raw;
}

}  // namespace

Planes class_activations(const FeatureMaps& maps, const Interpolation& interpolation) {
  Planes raw(static_cast<int64_t>(maps.is_known.size()), interpolation.pixels());
  for (int64_t k = 0; k < raw.count; ++k) {
    if (!maps.is_known[static_cast<size_t>(k)]) continue;
    interpolation.map(maps.class_maps.data() + k * maps.area(), raw.plane(k));
    std::for_each(raw.plane(k), raw.plane(k) + raw.area(), [](float& value) { value = std::max(value, 0.f); });
  }
  return raw;
}

void normalise_in_boxes(const float* raw, const Geometry& geometry, int64_t class_id, float* out) {
  std::fill_n(out, geometry.area(), 0.f);
  for (const auto& box : geometry.boxes)
    if (box.class_id == class_id) normalise_in_box(raw, box, geometry.size.width, out);
}

std::vector<float> background_activation(const FeatureMaps& maps, const Geometry& geometry,
                                         const Interpolation& interpolation) {
  auto map = raw_background(maps, interpolation);
  for (const auto& box : geometry.boxes)
    for_each_row(box, geometry.size.width, [&](int64_t begin, int64_t end) {
      std::fill(map.begin() + begin, map.begin() + std::max(begin, end), 0.f);
    });
  const float maximum = *std::max_element(map.begin(), map.end());
  if (maximum > 0.f)
    for (auto& value : map) value /= maximum;
  return map;
}

std::vector<float> background_activation_of_paper(const FeatureMaps& maps, const Geometry& geometry,
                                                  const Interpolation& interpolation) {
  const auto raw = raw_background(maps, interpolation);
  std::vector<float> map(raw.size(), 0.f);
  for (const auto& box : geometry.boxes) normalise_in_box(raw.data(), box, geometry.size.width, map.data());
  for (size_t p = 0; p < map.size(); ++p)
    if (geometry.is_background[p]) map[p] = 1.f;
  return map;
}

}  // namespace boxseg
