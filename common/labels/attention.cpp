#include "common/labels/attention.h"

#include <algorithm>

namespace boxseg {

std::vector<float> feature_norm(const FeatureMaps& maps, const Interpolation& interpolation) {
  std::vector<float> norm(static_cast<size_t>(interpolation.pixels().height * interpolation.pixels().width));
  interpolation.norm(maps.gram.data(), norm.data());
  return norm;
}

void cosine_map(const float* map, const Interpolation& interpolation, const std::vector<float>& norm, float* out) {
  interpolation.map(map, out);
  for (size_t p = 0; p < norm.size(); ++p) out[p] = std::max(out[p] / norm[p], 0.f);
}

std::vector<float> attention_map(const FeatureMaps& maps, const Interpolation& interpolation,
                                 const std::vector<float>& norm) {
  std::vector<float> mean(norm.size(), 0.f);
  const int64_t queries = maps.queries();
  if (queries == 0) return mean;
  if (queries == 1) {
    cosine_map(maps.query_maps.data(), interpolation, norm, mean.data());
    return mean;
  }
  std::vector<float> one(norm.size());
  for (int64_t j = 0; j < queries; ++j) {
    cosine_map(maps.query_maps.data() + j * maps.area(), interpolation, norm, one.data());
    for (size_t p = 0; p < mean.size(); ++p) mean[p] += one[p];
  }
  for (auto& value : mean) value /= static_cast<float>(queries);
  return mean;
}

std::vector<float> threshold_attention(const std::vector<float>& attention, double threshold) {
  const float maximum = attention.empty() ? 0.f : *std::max_element(attention.begin(), attention.end());
  const float bound = static_cast<float>(threshold) * maximum;
  std::vector<float> kept(attention.size());
  for (size_t p = 0; p < kept.size(); ++p) kept[p] = attention[p] < bound ? 0.f : attention[p];
  return kept;
}

}  // namespace boxseg
