// Size and modification time of a file as text: whether it was written again.
#pragma once
#include <string>

#include "common/base/files.h"

namespace boxseg {

inline constexpr const char* kNoFile = "-";

std::string stamp_of(const fs::path& path);  // kNoFile when it is absent

}  // namespace boxseg
