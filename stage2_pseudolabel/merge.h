// Makes the split's manifest from those of its shards, and its COCO results from theirs.
#pragma once
#include "common/io/manifest.h"
#include "common/labels/shard.h"

namespace boxseg {

// Writes OUTPUT/manifest.h5, and with --instances the results (instance_files.h), when all shards stand there, made
// alike, and returns ""; otherwise returns a sentence that says what is missing. A manifest that says the same already
// is left alone, with the results that it lists. Throws bad_input for results of a shard that are not what its manifest
// says.
std::string merge_shards(const fs::path& output);

// Does `stage2_pseudolabel merge`: writes as merge_shards() does, and throws bad_input where something is missing.
void merge_or_fail(const fs::path& output);

// Removes, before a shard is made, the split's manifest and results and the shards of another division, which are no
// longer to be trusted.
void forget_other_divisions(const fs::path& output, int64_t shards);

}  // namespace boxseg
