// Reads how much CPU time control groups (version 2) allow, as containers with --cpus set it. Affinity masks do not
// show it.
#pragma once
#include <filesystem>
#include <string>

namespace boxseg {

// Returns the smallest quota, in CPUs, of the group `group` ("/a/b") and those above it, which lie below the folder
// `root`; 0 without a limit.
double cpu_quota(const std::filesystem::path& root, const std::string& group);

// Returns the quota of this process, in CPUs; 0 without a limit.
double cpu_quota();

}  // namespace boxseg
