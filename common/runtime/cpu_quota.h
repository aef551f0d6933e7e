// CPU time that control groups (version 2) allow, as containers with --cpus set it. Affinity masks do not show it.
#pragma once
#include <filesystem>
#include <string>

namespace boxseg {

// The smallest quota of the group `group` ("/a/b") and those above it below `root`, in CPUs; 0 without a limit.
double cpu_quota(const std::filesystem::path& root, const std::string& group);

// That of this process.
double cpu_quota();

}  // namespace boxseg
