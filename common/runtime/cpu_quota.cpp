#include "common/runtime/cpu_quota.h"

#include <algorithm>
#include <fstream>

namespace boxseg {

namespace fs = std::filesystem;

double cpu_quota(const fs::path& root, const std::string& group) {
  double smallest = 0;
  fs::path folder = root / fs::path(group).relative_path();
  for (;; folder = folder.parent_path()) {
    // The file holds "QUOTA PERIOD" in microseconds, or "max PERIOD".
    std::ifstream file(folder / "cpu.max");
    double quota_us = 0, period_us = 0;
    if (file >> quota_us >> period_us && quota_us > 0 && period_us > 0) {
      const double cpus = quota_us / period_us;
      smallest = smallest == 0 ? cpus : std::min(smallest, cpus);
    }
    if (folder == root || !folder.has_relative_path()) return smallest;
  }
}

double cpu_quota() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("0::", 0) == 0) return cpu_quota("/sys/fs/cgroup", line.substr(3));
  return 0;
}

}  // namespace boxseg
