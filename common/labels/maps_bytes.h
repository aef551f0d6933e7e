// Turns feature maps into bytes and back, for the spool of a running shard.
#pragma once
#include <string>

#include "common/labels/feature_maps.h"

namespace boxseg {

std::string to_bytes(const FeatureMaps& maps);
FeatureMaps maps_from_bytes(const std::string& bytes);  // throws `failed` when they are not what to_bytes() gave

}  // namespace boxseg
