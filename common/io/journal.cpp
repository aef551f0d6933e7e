#include "common/io/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/hash.h"

namespace boxseg {
namespace {

// The file is kMagic, then records. A record is the length of the key, the length of the payload, the checksum of both
// and of their lengths (u64 each, little-endian), the key, and the payload. The first record holds the run key and no
// payload.
constexpr std::string_view kMagic = "boxseg journal 1\n";

struct Head {
  uint64_t key_bytes = 0, payload_bytes = 0, checksum = 0;
};

uint64_t checksum_of(std::string_view key, std::string_view payload) {
  const uint64_t parts[] = {key.size(), payload.size(), stable_hash64(key), stable_hash64(payload)};
  return stable_hash64({reinterpret_cast<const char*>(parts), sizeof parts});
}

std::string encode(std::string_view key, std::string_view payload) {
  const Head head{key.size(), payload.size(), checksum_of(key, payload)};
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  bytes.reserve(sizeof head + key.size() + payload.size());
  return bytes.append(key).append(payload);
}

// Takes one record off the front of `bytes`; false when it is not whole.
bool take_record(std::string_view& bytes, std::string_view& key, std::string_view& payload) {
  Head head;
  if (bytes.size() < sizeof head) return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  const uint64_t rest = bytes.size() - sizeof head;
  if (head.key_bytes > rest || head.payload_bytes > rest - head.key_bytes) return false;
  key = bytes.substr(sizeof head, head.key_bytes);
  payload = bytes.substr(sizeof head + head.key_bytes, head.payload_bytes);
  if (checksum_of(key, payload) != head.checksum) return false;
  bytes.remove_prefix(sizeof head + head.key_bytes + head.payload_bytes);
  return true;
}

void append_whole(int fd, std::string_view bytes, const std::filesystem::path& path) {
  const off_t before = ::lseek(fd, 0, SEEK_END);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      // The half record goes, since it would hide those that come after it.
      if (::ftruncate(fd, before) != 0) fail("{}: cannot be shortened: {}", path.string(), std::strerror(errno));
      fail_write(path, error);
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, const std::string& run_key) : path_(path) {
  if (path.has_parent_path()) make_directories(path.parent_path());
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_write(path, errno);
  try {
    const std::string bytes = read_file(path);
    std::string_view rest(bytes), key, payload;
    size_t kept = 0;
    if (rest.starts_with(kMagic)) {
      rest.remove_prefix(kMagic.size());
      if (take_record(rest, key, payload) && key == run_key) {
        kept = bytes.size() - rest.size();
        while (take_record(rest, key, payload)) found_.push_back({std::string(key), std::string(payload)});
        kept = bytes.size() - rest.size();
      }
    }
    if (kept < bytes.size() && ::ftruncate(fd_, static_cast<off_t>(kept)) != 0) fail_write(path, errno);
    if (kept == 0) append_whole(fd_, std::string(kMagic) + encode(run_key, ""), path);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

void Journal::append(const JournalRecord& record) {
  const std::string bytes = encode(record.key, record.payload);
  std::lock_guard lock(mutex_);
  ensure(fd_ >= 0, "{}: appended to after it was removed", path_.string());
  append_whole(fd_, bytes, path_);
}

void Journal::sync() {
  std::lock_guard lock(mutex_);
  if (fd_ >= 0 && ::fdatasync(fd_) != 0) fail_write(path_, errno);
}

void Journal::remove() {
  std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  ::unlink(path_.c_str());
}

}  // namespace boxseg
