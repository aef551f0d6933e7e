#include "stage2_pseudolabel/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/error.h"

namespace boxseg {
namespace {

[[noreturn]] void fail_spool(const fs::path& path, const char* what, int error) {
  fail("{}: cannot be {}: {}{}", path.string(), what, std::strerror(error),
       error == ENOSPC ? "; free some space and start again, finished work is kept" : "");
}

// Returns the bytes at `place`, or fewer where the file is shorter.
std::string read_at(int fd, const Spool::Place& place, int64_t end, const fs::path& path) {
  std::string bytes;
  if (place.offset < 0 || place.size_bytes < 0 || place.size_bytes > end - place.offset) return bytes;
  bytes.resize(static_cast<size_t>(place.size_bytes));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd, bytes.data() + done, bytes.size() - done, place.offset + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_spool(path, "read", errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

Spool::Spool(fs::path path) : path_(std::move(path)) {
  if (path_.has_parent_path()) make_directories(path_.parent_path());
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_spool(path_, "made", errno);
  struct stat info {};
  if (::fstat(fd_, &info) != 0) fail_spool(path_, "read", errno);
  end_ = info.st_size;
}

Spool::~Spool() {
  if (fd_ >= 0) ::close(fd_);
}

Spool::Place Spool::append(const std::string& bytes) {
  std::lock_guard lock(mutex_);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, end_ + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_spool(path_, "written", errno);
    done += static_cast<size_t>(n);
  }
  Place place{end_, static_cast<int64_t>(bytes.size()), digest_of(bytes)};
  end_ += place.size_bytes;
  return place;
}

bool Spool::holds(const Place& place) const {
  const std::string bytes = read_at(fd_, place, end_, path_);
  return static_cast<int64_t>(bytes.size()) == place.size_bytes && digest_of(bytes) == place.digest;
}

std::string Spool::read(const Place& place) const {
  std::string bytes = read_at(fd_, place, end_, path_);
  if (static_cast<int64_t>(bytes.size()) != place.size_bytes || digest_of(bytes) != place.digest)
    fail("{}: changed while it was in use; remove it and start again", path_.string());
  return bytes;
}

void Spool::forget_after(int64_t size_bytes) {
  std::lock_guard lock(mutex_);
  if (size_bytes >= end_) return;
  if (::ftruncate(fd_, size_bytes) != 0) fail_spool(path_, "shortened", errno);
  end_ = size_bytes;
}

void Spool::remove() {
  std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  ::unlink(path_.c_str());
}

}  // namespace boxseg
