// Makes the probabilities that are handed to the CRF.
#pragma once
#include <string>
#include <vector>

#include "common/labels/feature_maps.h"
#include "common/labels/geometry.h"
#include "common/labels/interpolation.h"
#include "common/labels/planes.h"

namespace boxseg {

enum class BackgroundUnary { attention, activation, activation_of_paper };  // --background u0, u_b, u_b_paper
BackgroundUnary parse_background(const std::string& name);

struct UnaryOptions {
  BackgroundUnary background = BackgroundUnary::attention;
  double threshold = 0.99;
  // --unknown-foreground box: as in the report's code, where the dataset has classes that the classifier does not know,
  // a class without weight is 1 in its boxes, and the background is 0 inside all boxes, for known classes too.
  bool fills_unknown_boxes = false;
};

// Holds what stands in front of the softmax.
struct UnaryParts {
  std::vector<float> background;  // [H,W] u0, u_b or u_b_paper; it counts inside boxes (u_b: everywhere)
  Planes foreground;              // [k,H,W]
};
// `attention` is A before the threshold. A class without weight scores 1 - A inside its boxes (Eq. (7) of the paper).
UnaryParts make_unary_parts(const UnaryOptions& options, const FeatureMaps& maps, const Geometry& geometry,
                            const Interpolation& interpolation, const std::vector<float>& attention);

// Returns [1+k,H,W]. Outside all boxes the background is 1 (u_b: its map) and the foreground stays as it is; inside,
// the result is the softmax over background and classes.
Planes make_unary(const UnaryOptions& options, const UnaryParts& parts, const Geometry& geometry, int threads);

}  // namespace boxseg
