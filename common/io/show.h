// Shows any HDF5 artifact (manifest, dataset, attention shard, golden file) as text, for `prepare show FILE`: groups,
// datasets with type, shape and first values, attributes.
#pragma once
#include <filesystem>
#include <string>

namespace boxseg {

std::string show_artifact(const std::filesystem::path& path);  // throws bad_input

}  // namespace boxseg
