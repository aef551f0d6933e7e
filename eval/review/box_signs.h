// Signs that a box is not where its object is, or holds half of it. They come from what stage 2 keeps of an image's
// features, and from the photograph: a misplaced box shows its class no better than what surrounds it, and a side that
// was drawn through an object has the same on both of its sides. No sign is a proof: they are compared between the
// boxes of a run (oddness() below), most of which are right.
#pragma once
#include <limits>
#include <vector>

#include "common/data/boxes.h"
#include "common/io/image.h"
#include "common/labels/feature_maps.h"

namespace boxseg {

// Each grows with the doubt; NaN where it cannot be told. A side counts unless it lies within 8 pixels of the image's
// border, where objects are cut by rights.
struct BoxSigns {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double unseen = kUnknown;  // 1 - the mean probability of the class, against the background, in the box
  double beside = kUnknown;  // the share of the class's probability in the doubled box that lies outside of all boxes
  double beyond = kUnknown;  // the largest score of the class beyond a side, less the mean one in the box
  double alike = kUnknown;   // the largest cosine of features on both sides of a side
  double smooth = kUnknown;  // of the side with the least colour edge: how far it is from having one
};

// The boxes of an image in a small copy of it, whose longer side is 500 pixels at most: signs do not depend on how many
// pixels a camera has, and their constants are pixels of such a copy, which VOC's photographs are.
struct SmallImage {
  SmallImage(ImageSize image, const std::vector<PixelBox>& boxes);
  ImageSize size;
  std::vector<PixelBox> boxes;  // not empty, and inside
};

// Adds the signs that stage 2's maps tell. `classes`: those of the maps, ascending. One element of `signs` for each
// box.
void add_signs_of_features(const FeatureMaps& maps, const std::vector<int64_t>& classes, const SmallImage& image,
                           std::vector<BoxSigns>& signs);

// Adds what the photograph tells, which has the size of `image`.
void add_signs_of_photograph(const RgbImage& photograph, const SmallImage& image, std::vector<BoxSigns>& signs);

// How far each box stands out from the others: the sum over the five signs of the distance from their median, in
// standard deviations as the median distance tells them, each at most 1.5 either way; a sign that is known of fewer
// than 12 boxes says nothing.
//
// Measured on 40 photographs of VOC at a time, with 80 to 134 boxes, of which four were moved onto empty ground and
// four cut to a half, labelled by the network that `make masks` trains on them. Signs and weights were chosen on nine
// such draws. On five others, of other photographs, 5.4 of the eight stand among the first ten of the review (3.8 of
// those moved, 1.6 of those cut), in place of 2.0 by the masks alone. There is a price where no box is wrong: of the
// masks of VOC's val that have less than a half in common with the truth, labelled by a network of other photographs,
// the first tenth of the list holds 33 % in place of 45 %, of at most 52 %; on 40 photographs with their own network,
// as many.
std::vector<double> oddness(const std::vector<BoxSigns>& signs);

}  // namespace boxseg
