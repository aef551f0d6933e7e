// Runs the program once: from its options to the manifest of a shard.
#pragma once
#include "common/base/files.h"
#include "common/base/options.h"
#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

// `command_line` holds the resolved options for the manifest. Throws what its parts throw; says on stderr what it did.
void run_stage2(const Options& command_line, const Stage2Options& options);

// Does --check FILE for a label PNG, an attention shard, COCO results, or a manifest with all that it lists. Prints one
// line; throws bad_input.
void check_stage2_artifact(const fs::path& path);

}  // namespace boxseg
