#include "eval/metrics_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

// Held while the file is read, changed and renamed. The lock file stays: removing it would let two writers in.
class FileLock {
 public:
  explicit FileLock(const fs::path& path) {
    if (path.has_parent_path()) make_directories(path.parent_path());
    fd_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (fd_ < 0) fail("{}: cannot be written: {}", path.string(), std::strerror(errno));
    while (::flock(fd_, LOCK_EX) != 0)
      if (errno != EINTR) {
        const int error = errno;
        ::close(fd_);
        fail("{}: cannot be locked: {}", path.string(), std::strerror(error));
      }
  }
  ~FileLock() { ::close(fd_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace

Metrics read_metrics(const fs::path& path) {
  if (!fs::exists(path)) return {};
  const nlohmann::json parsed = nlohmann::json::parse(read_file(path), nullptr, false);
  if (!parsed.is_object())
    fail_input("{}: not a metrics file (a JSON object was expected); remove it or name another one", path.string());
  return parsed.get<Metrics>();
}

void check_metrics_key(const std::string& key) {
  size_t begin = 0;
  for (;;) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const std::string word = key.substr(begin, end - begin);
    if (word.empty() || trim(word) != word)
      fail_usage("--key '{}': expected words joined by '/', such as stage2/bap/val/y_crf", key);
    if (end == key.size()) return;
    begin = end + 1;
  }
}

void merge_metrics(const fs::path& path, const std::string& key, const Metrics& values) {
  check_metrics_key(key);
  const FileLock lock(path.string() + ".lock");
  Metrics all = read_metrics(path);
  const std::string prefix = key + "/";
  std::erase_if(all, [&](const auto& entry) { return entry.first == key || entry.first.starts_with(prefix); });
  for (const auto& [name, value] : values) all[prefix + name] = value;
  write_file(path, nlohmann::json(all).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace boxseg
