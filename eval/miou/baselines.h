// Makes the labels that boxes alone give, with which pseudo labels are compared.
//
// All boxes of the dataset count, those flagged difficult and crowd included, as in stage 2. Where boxes overlap the
// smaller one lies on top; of two with equal areas the one annotated later.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/crf/dense_crf.h"
#include "common/data/boxes.h"
#include "common/io/image.h"

namespace boxseg {

enum class BaselineKind { filled_boxes, filled_boxes_crf, grabcut };
BaselineKind parse_baseline_kind(const std::string& name);  // throws usage with the known names
const std::vector<std::string>& baseline_names();

// Fills each box with its class; the background elsewhere is 0. Empty boxes are left out.
LabelMap filled_boxes(const std::vector<PixelBox>& boxes, ImageSize size);

// Does stage 2 without a network: the filled boxes stand in for the class activation maps. Outside all boxes the
// background is certain (1); inside, the scores are 1 for the class on top and 0 for the background and the image's
// other classes, and go through the softmax, the CRF, the reset outside each class's boxes and the argmax that stage 2
// uses. The softmax makes that 0.73 against 0.27 for one class, so the CRF may take pixels off a box, as it may in
// stage 2.
LabelMap filled_boxes_crf(const RgbImage& image, const std::vector<PixelBox>& boxes, DenseCrf& crf);

// Runs OpenCV's GrabCut from each box on the whole image: outside the box is certain background, inside probable
// foreground, with 5 iterations; the foreground gets the box's class, smaller boxes on top. A box falls back to being
// filled when GrabCut cannot start (fewer than 5 pixels inside or outside) or leaves nothing of it. OpenCV's random
// numbers start from `seed` and the box's index, so the same image gives the same labels on any thread. `fallbacks`, if
// given, is counted up.
LabelMap grabcut(const RgbImage& image, const std::vector<PixelBox>& boxes, uint64_t seed,
                 int64_t* fallbacks = nullptr);

// Returns the labels of one image of a dataset; its file is read only where colours count. CRF, seed and fallbacks are
// as above, with the seed mixed with the image's id. Throws bad_input when the image is not as large as the index says.
LabelMap baseline_labels(BaselineKind kind, const Dataset& dataset, const ImageEntry& image,
                         const std::vector<PixelBox>& boxes, const CrfOptions& crf, uint64_t seed,
                         int64_t* fallbacks = nullptr);

// Returns the indices of the boxes that are not empty, in painting order: larger ones first.
std::vector<size_t> painting_order(const std::vector<PixelBox>& boxes);

}  // namespace boxseg
