// Keeps cosine scores of one image at several scales, at the resolution of the features: what its pixels need, in a
// hundredth of the memory of [K,H,W] per scale.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "common/io/image.h"
#include "common/networks/network.h"

namespace boxseg {

struct ScoreMap {
  int64_t rows = 0, columns = 0;  // h w
  std::vector<float> values;      // [h,w,K]
};

// A pixel's score is the mean over the maps of their bilinear interpolations.
struct ScoreMaps {
  int64_t classes = 0;
  std::vector<ScoreMap> maps;
  bool align_corners = true;
};

// Computes the scores at each scale. input: [1,3,H,W] normalised, on the network's device. Per scale it is resized to
// floor(H s) x floor(W s) (bilinear, align_corners, as F.interpolate with scale_factor in the authors' code; at least
// one pixel), and with `flips` the scores are the mean with the flipped scores of the flipped input: interpolation
// commutes with flipping, so that is the authors' mean at full resolution. align_corners: as the network was trained,
// for the interpolation to pixels.
ScoreMaps score_maps(Network& network, const at::Tensor& input, const std::vector<double>& scales, bool flips,
                     bool align_corners = true);

// Calls row(y, scores) for each row of pixels, scores [W,K], on up to `threads` threads, in any order.
void for_each_row(const ScoreMaps& scores, ImageSize size, int threads,
                  const std::function<void(int64_t y, const float* scores)>& row);

// Returns the argmax over the classes, the first of equal ones.
LabelMap most_likely(const ScoreMaps& scores, ImageSize size, int threads);

// Returns softmax(temperature * scores), [K,H,W].
std::vector<float> class_probabilities(const ScoreMaps& scores, ImageSize size, double temperature, int threads);

}  // namespace boxseg
