// Any HDF5 artifact (manifest, dataset, attention shard, golden file) as text: groups, datasets with type, shape
// and first values, attributes. For `prepare show FILE`.
#pragma once
#include <filesystem>
#include <string>

namespace boxseg {

std::string show_artifact(const std::filesystem::path& path);  // throws bad_input

}  // namespace boxseg
