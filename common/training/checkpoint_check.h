// --check of what training writes.
#pragma once
#include "common/base/files.h"
#include "common/pipeline/stage/artifact_check.h"

namespace boxseg {

// Checkpoints are compared by their tensors.
ContentChecks checkpoint_checks();

// Answers for checkpoint.pt, the state of a training that was stopped, with a line on stdout; false for other files.
bool answered_training_check(const fs::path& path);

}  // namespace boxseg
