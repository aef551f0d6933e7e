// Does `stage3_segment train`: makes segmenter.pt from label maps.
#pragma once
#include "common/base/options.h"
#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

// Writes OUTPUT/{segmenter.pt, log.jsonl, checkpoint.pt, manifest.h5} and event files for TensorBoard. It resumes, and
// does nothing when they are up to date.
void run_training(const Options& command_line, const Stage3Options& options);

}  // namespace boxseg
