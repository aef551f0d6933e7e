// INI files: `key = value` under [section]s, comments with # or ; on lines of their own.
#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace boxseg {

// Section -> key -> value. Keys before the first section stand under "". In keys `_` reads as `-`.
using Ini = std::map<std::string, std::map<std::string, std::string>>;

// Throws usage with FILE:LINE for a line that is neither, and for a key that is set twice in one section.
Ini read_ini_file(const std::filesystem::path& path);

}  // namespace boxseg
