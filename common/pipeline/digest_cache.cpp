#include "common/pipeline/digest_cache.h"

#include <sys/stat.h>

#include <sstream>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace boxseg {

DigestCache& DigestCache::shared() {
  static DigestCache cache;
  return cache;
}

// A line: digest size mtime inode path (which may hold blanks).
void DigestCache::load(const fs::path& file) {
  file_ = file;
  entries_.clear();
  if (!fs::exists(file)) return;
  for (const auto& line : read_lines(read_file(file))) {
    std::istringstream in(line);
    Entry entry;
    std::string path;
    if (in >> entry.digest >> entry.size >> entry.mtime_ns >> entry.inode && std::getline(in >> std::ws, path))
      entries_[path] = entry;
  }
}

Digest DigestCache::digest_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return boxseg::digest_of_file(path);  // reports why
  const int64_t mtime_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  const std::string key = fs::absolute(path).lexically_normal().string();
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.size == status.st_size && found->second.mtime_ns == mtime_ns &&
      found->second.inode == status.st_ino)
    return found->second.digest;
  const Digest digest = boxseg::digest_of_file(path);
  entries_[key] = {status.st_size, mtime_ns, status.st_ino, digest};
  is_changed_ = true;
  return digest;
}

void DigestCache::save() const {
  if (!is_changed_ || file_.empty()) return;
  std::string text;
  for (const auto& [path, e] : entries_)
    text += fmt::format("{} {} {} {} {}\n", e.digest, e.size, e.mtime_ns, e.inode, path);
  try {
    write_file(file_, text);
  } catch (const Error& e) {
    log_warning("the digest cache was not saved: {}", e.what());
  }
}

}  // namespace boxseg
