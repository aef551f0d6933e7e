// Says which images a shard of stage 2 labels, and the names of its files.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"

namespace boxseg {

struct Shard {
  int64_t index = 0, count = 1;
  friend bool operator==(const Shard&, const Shard&) = default;
};

// Parses "7/16" -> {7, 16}, "" -> {0, 1}. Throws usage.
Shard parse_shard(const std::string& text);

// Returns stable_hash64(id) mod count, which is independent of the split, of other images, and of the machine.
int64_t shard_of(const std::string& image_id, int64_t count);

// Returns indices into dataset.images of the split's images that belong to the shard, each once, in split order.
std::vector<int64_t> images_of_shard(const Dataset& dataset, const std::string& split, const Shard& shard);

// Returns a path relative to the output folder: attention/shard-0007-of-0016.h5. What goes with that file has the same
// name with another ending.
std::string shard_file(const Shard& shard, const std::string& ending = ".h5");
std::string shard_manifest(const Shard& shard);  // attention/shard-0007-of-0016.manifest.h5

// Returns the shards whose manifests stand in OUTPUT/attention, sorted.
std::vector<Shard> find_shard_manifests(const fs::path& output);

// Return an image's label files, relative to the output folder: Y_crf/ID.png, Y_ret/ID.png.
std::string y_crf_file(const std::string& image_id);
std::string y_ret_file(const std::string& image_id);

}  // namespace boxseg
