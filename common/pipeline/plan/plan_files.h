// The files of a plan.
#pragma once
#include <vector>

#include "common/pipeline/plan/graph.h"

namespace boxseg {

// Writes RUN/plan.mk for Make, and the files that the commands of the nodes read: RUN/config/*.ini with all options in
// force, RUN/tables/*.txt with the tables asked for, and what of each is pending. Files whose text would be the same
// stay as they are; where all do, nothing is written and no lock is taken, so that a finished run may be read-only. A
// metrics.json that cannot be read is put aside, with a warning: its numbers are measured again. Throws usage for a
// folder of somebody's own.
void write_plan(const fs::path& run, const std::string& preset, const std::vector<Node>& nodes);

}  // namespace boxseg
