// Label maps of an earlier run into the same folder that the next one does not write: of photographs that are gone, or
// Y_ret where only Y_crf is made. Who looks through the folder would take them for the new run's.
#pragma once
#include <set>
#include <string>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "common/labels/shard.h"

namespace boxseg {

// The label maps that the manifests of the folder and of the shard list, relative to the folder. To be asked before
// these manifests are removed.
std::set<std::string> listed_label_maps(const fs::path& output, const Shard& shard);

// Removes those of `listed` that are of no image of the split, whatever its shard, or of a kind that is not made now,
// and returns how many. Files that no manifest listed are not ours to remove.
int64_t remove_gone_labels(const fs::path& output, const std::set<std::string>& listed, const Dataset& dataset,
                           const std::string& split, bool makes_y_ret);

}  // namespace boxseg
