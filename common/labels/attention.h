// Tells how much each pixel looks like background.
#pragma once
#include <vector>

#include "common/labels/feature_maps.h"
#include "common/labels/interpolation.h"

namespace boxseg {

// Returns |F(p)| at every pixel, [H,W], at least 1e-12.
std::vector<float> feature_norm(const FeatureMaps& maps, const Interpolation& interpolation);

// Returns A(p) = mean_j relu(cos(F(p), q_j)), [H,W]; it is all 0 without queries. `norm` is feature_norm()'s result.
std::vector<float> attention_map(const FeatureMaps& maps, const Interpolation& interpolation,
                                 const std::vector<float>& norm);

// Returns u0, which is A, but 0 where A < threshold * (maximum of A over the whole image), in float32 as the authors
// compare.
std::vector<float> threshold_attention(const std::vector<float>& attention, double threshold);

// Computes relu(cosine) from one map of inner products with a unit vector: out[p] = max(0, map(p) / norm(p)), [H,W].
void cosine_map(const float* map, const Interpolation& interpolation, const std::vector<float>& norm, float* out);

}  // namespace boxseg
