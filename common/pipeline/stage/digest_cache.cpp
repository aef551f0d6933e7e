#include "common/pipeline/stage/digest_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>

#include "common/base/error.h"
#include "common/base/log.h"

namespace boxseg {
namespace {

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

// The text up to the next blank, which is dropped.
std::string_view take_word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

template <class T>
bool take_number(std::string_view& line, T& value) {
  const std::string_view word = take_word(line);
  return !word.empty() &&
         std::from_chars(word.data(), word.data() + word.size(), value).ptr == word.data() + word.size();
}

}  // namespace

DigestCache& DigestCache::shared() {
  static DigestCache cache;
  return cache;
}

// A line: digest size mtime ctime inode path (which may hold blanks).
void DigestCache::load(const fs::path& file, bool is_fresh) {
  file_ = file;
  entries_.clear();
  is_changed_ = false;
  if (is_fresh || !fs::exists(file)) return;
  const std::string text = read_file(file);
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    Entry e;
    e.digest = take_word(line);
    if (e.digest.size() == 32 && take_number(line, e.size) && take_number(line, e.mtime_ns) &&
        take_number(line, e.ctime_ns) && take_number(line, e.inode) && line.starts_with('/'))
      entries_[std::string(line)] = std::move(e);
  }
}

Digest DigestCache::digest_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return boxseg::digest_of_file(path);  // reports why
  const std::string key = path.is_absolute() ? path.string() : fs::absolute(path).string();
  Entry now{status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim), status.st_ino, {}};
  if (const auto found = entries_.find(key); found != entries_.end()) {
    now.digest = found->second.digest;
    if (found->second == now) return now.digest;
  }
  now.digest = boxseg::digest_of_file(path);
  entries_[key] = now;
  is_changed_ = true;
  return now.digest;
}

void DigestCache::save() {
  if (!is_changed_ || file_.empty()) return;
  std::string text;
  for (const auto& [path, e] : entries_)
    if (::access(path.c_str(), F_OK) == 0)
      text += fmt::format("{} {} {} {} {} {}\n", e.digest, e.size, e.mtime_ns, e.ctime_ns, e.inode, path);
  is_changed_ = false;
  try {
    write_file(file_, text);
  } catch (const Error& e) {
    if (can_be_written(file_.parent_path())) log_warning("the digest cache was not saved: {}", e.what());
  }
}

}  // namespace boxseg
