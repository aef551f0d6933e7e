// The split's manifest, from those of its shards.
#pragma once
#include "common/io/manifest.h"
#include "common/labels/shard.h"

namespace boxseg {

// Writes OUTPUT/manifest.h5 when all shards stand there, made alike; says in a sentence what is missing otherwise (""
// when written). A manifest that says the same already is left alone.
std::string merge_shards(const fs::path& output);

// `stage2_pseudolabel merge`: as above; what is missing is bad_input.
void merge_or_fail(const fs::path& output);

// Before a shard is made: the split's manifest and the shards of another division are no longer to be trusted.
void forget_other_divisions(const fs::path& output, int64_t shards);

}  // namespace boxseg
