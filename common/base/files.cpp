#include "common/base/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/temporary_file.h"

namespace boxseg {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { close_now(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int close_now() {
    const int result = fd_ >= 0 ? ::close(fd_) : 0;
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

// Names what a path leads to; "" stands for a regular file.
std::string kind_of(mode_t mode) {
  if (S_ISREG(mode)) return "";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

[[noreturn]] void fail_read(const fs::path& path, int error) {
  fail_input("{}: cannot be read: {}", path.string(), std::strerror(error));
}

[[noreturn]] void refuse_kind(const fs::path& path, const std::string& kind) {
  fail_input("{}: is {}, not a file; name a file", path.string(), kind);
}

// Waits until there is something to read from a pipe or its writers are gone. Unlike read(), it ends with an interrupt.
void wait_for_pipe(int fd) {
  pollfd look{fd, POLLIN, 0};
  constexpr int kLook_ms = 200;
  while (::poll(&look, 1, kLook_ms) <= 0) throw_if_interrupted();
}

// Returns the path that a write to `path` ends at: where that is a link, the file it names, which need not exist yet.
fs::path target_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(fs::symlink_status(path, error))) return path;
  if (fs::exists(path, error)) return fs::canonical(path);
  constexpr int kMostLinks = 40;
  fs::path target = path;
  for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(target, error)); ++i)
    target = target.parent_path() / fs::read_symlink(target);
  if (fs::is_symlink(fs::symlink_status(target, error)))
    fail("{}: is a link that leads in a circle; remove it, or name another file", path.string());
  return target;
}

}  // namespace

std::string special_kind(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? kind_of(status.st_mode) : "";
}

std::string way_out_of(int error) {
  if (error == ENOSPC) return "; free some space and start again, finished work is kept";
  if (error == EDQUOT) return "; free some of your quota and start again, finished work is kept";
  if (error == EFBIG) return "; raise the limit of file sizes (ulimit -f) and start again, finished work is kept";
  return "";
}

void fail_write(const fs::path& path, int error) {
  fail("{}: cannot be written: {}{}", path.string(), std::strerror(error), way_out_of(error));
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  constexpr size_t kMost = size_t{1} << 30;  // one call writes less than 2 GB
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kMost));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(path, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void read_blocks(const fs::path& path, const std::function<void(std::string_view)>& take) {
  // Without O_NONBLOCK an interrupt could not end the wait for the other end of a pipe.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) fail_read(path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_read(path, errno);
  const bool is_pipe = S_ISFIFO(status.st_mode);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) refuse_kind(path, kind_of(status.st_mode));
  constexpr size_t kBlock = 1 << 18;
  const auto block = std::make_unique_for_overwrite<char[]>(kBlock);
  for (;;) {
    if (is_pipe) wait_for_pipe(file.get());
    const ssize_t n = ::read(file.get(), block.get(), kBlock);
    if (n < 0 && (errno == EINTR || (is_pipe && errno == EAGAIN))) continue;
    if (n < 0) fail_read(path, errno);
    if (n == 0) return;
    take({block.get(), static_cast<size_t>(n)});
  }
}

std::string read_file(const fs::path& path) {
  std::string bytes;
  std::error_code ignored;
  if (const auto size = fs::file_size(path, ignored); !ignored) bytes.reserve(size);
  read_blocks(path, [&](std::string_view block) { bytes += block; });
  return bytes;
}

void require_regular_file(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail_read(path, errno);
  if (const std::string kind = kind_of(status.st_mode); !kind.empty()) refuse_kind(path, kind);
}

AtomicFile::AtomicFile(const fs::path& path) {
  if (path.has_parent_path()) make_directories(path.parent_path());
  path_ = target_of(path);
  if (const std::string kind = special_kind(path_); !kind.empty())
    fail_usage("{}: is {}, not a file, and was left as it is; name another file to write", path.string(), kind);
  temporary_ = make_temporary_file(path_);
}

AtomicFile::~AtomicFile() {
  if (!is_committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::commit() {
  FileDescriptor file(::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) fail_write(temporary_, errno);
  if (::fsync(file.get()) != 0) fail_write(temporary_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(path_, errno);
  is_committed_ = true;
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile atomic(path);
  FileDescriptor file(::open(atomic.temporary().c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) fail_write(atomic.temporary(), errno);
  write_all(file.get(), bytes, path);
  if (file.close_now() != 0) fail_write(path, errno);
  atomic.commit();
}

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail("{}: the folder cannot be made: {}", path.string(), error.message());
}

bool can_be_written(const fs::path& folder) { return ::access(folder.c_str(), W_OK) == 0; }

void require_writable_directory(const fs::path& path, const char* option) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_usage("{} {}: the folder cannot be made: {}; choose another", option, path.string(), error.message());
  try {
    fs::remove(make_temporary_file(path / "probe"));
  } catch (const Error& e) {
    fail_usage("{}: nothing can be written to that folder ({}); choose another or change its permissions", option,
               e.what());
  }
}

bool is_inside(const fs::path& relative) {
  if (relative.empty() || relative.is_absolute()) return false;
  if (relative.native().find('\0') != std::string::npos) return false;
  for (const auto& part : relative)
    if (part == "..") return false;
  return true;
}

}  // namespace boxseg
