// Runs the stage as a program does: it takes a dataset, and makes classifier.pt and its manifest.
#pragma once
#include <filesystem>

#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

// Trains (or resumes) and writes OUTPUT/classifier.pt, log.jsonl, event files for TensorBoard and manifest.h5. It does
// nothing when they are up to date. With 0 iterations the initial weights are written. Throws as the parts do.
void run_stage1(const Options& command_line, const Stage1Options& options);

// Does `--check FILE` for a classifier.pt (whole, and a classifier), or the stage's manifest with everything it lists.
// Prints a line; throws bad_input.
void check_stage1_artifact(const std::filesystem::path& path);

}  // namespace boxseg
