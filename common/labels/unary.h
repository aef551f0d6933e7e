// The probabilities handed to the CRF.
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
  // --unknown-foreground box in a dataset with classes that the classifier does not know, the report's code: a class
  // without weight is 1 in its boxes, and the background is 0 inside all boxes, for known classes too.
  bool fills_unknown_boxes = false;
};

// What stands in front of the softmax.
struct UnaryParts {
  std::vector<float> background;  // [H,W] the u0, u_b or u_b_paper map; counts inside boxes (u_b: everywhere)
  Planes foreground;              // [k,H,W]
};
// attention: A before the threshold. A class without weight scores 1 - A inside its boxes (Eq. (7) of the paper).
UnaryParts make_unary_parts(const UnaryOptions& options, const FeatureMaps& maps, const Geometry& geometry,
                            const Interpolation& interpolation, const std::vector<float>& attention);

// [1+k,H,W]: outside all boxes the background is 1 (u_b: its map) and the foreground as it is; inside, the softmax over
// background and classes.
Planes make_unary(const UnaryOptions& options, const UnaryParts& parts, const Geometry& geometry, int threads);

}  // namespace boxseg
