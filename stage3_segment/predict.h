// Does `stage3_segment predict`: makes label PNGs from a segmenter and images.
#pragma once
#include <vector>

#include "common/base/files.h"
#include "common/base/options.h"
#include "common/crf/dense_crf.h"
#include "common/io/image.h"
#include "common/pipeline/stage/stage_options.h"
#include "stage3_segment/score_maps.h"

namespace boxseg {

// Writes OUTPUT/ID.png (8-bit palette, the checkpoint's colours, the image's size) and OUTPUT/manifest.h5. It goes on
// where a killed run stopped, and does nothing when all is up to date. Images beyond --longest-side are segmented as
// smaller ones, whose labels are enlarged by the nearest pixel.
void run_prediction(const Options& command_line, const PredictOptions& options);

// Returns the colours that the CRF sees: the image's, or (`is_reference`) what the authors' code hands it, which is the
// BGR image minus Caffe's mean, cut to integers and wrapped to 8 bits.
std::vector<uint8_t> crf_colours(const RgbImage& image, bool is_reference);

// Returns the argmax of the CRF over softmax(temperature * scores), the first of equal ones.
LabelMap refine(DenseCrf& crf, const ScoreMaps& scores, const std::vector<uint8_t>& colours, ImageSize size,
                double temperature, int threads);

// Throws bad_input unless `path` is a whole segmenter.pt, label PNG or manifest.h5 (then also all it lists) of this
// program; else says so on stdout.
void check_stage3_artifact(const fs::path& path);

}  // namespace boxseg
