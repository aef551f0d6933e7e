#include "common/base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/base/error.h"

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

[[noreturn]] void fail_write(const fs::path& path, int error) {
  fail("{}: cannot be written: {}{}", path.string(), std::strerror(error),
       error == ENOSPC ? "; free some space and start again, finished work is kept" : "");
}

}  // namespace

std::string read_file(const fs::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) fail_input("{}: cannot be read: {}", path.string(), std::strerror(errno));
  std::string bytes;
  std::error_code ignored;
  if (const auto size = fs::file_size(path, ignored); !ignored) bytes.reserve(size);
  char block[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_input("{}: cannot be read: {}", path.string(), std::strerror(errno));
    if (n == 0) return bytes;
    bytes.append(block, static_cast<size_t>(n));
  }
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(path_) {
  temporary_ += ".part";
  if (path_.has_parent_path()) make_directories(path_.parent_path());
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
  FileDescriptor file(::open(atomic.temporary().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.is_open()) fail_write(atomic.temporary(), errno);
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(path, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  if (file.close_now() != 0) fail_write(path, errno);
  atomic.commit();
}

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail("{}: the folder cannot be made: {}", path.string(), error.message());
}

void require_writable_directory(const fs::path& path, const char* option) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_usage("{} {}: the folder cannot be made: {}; choose another", option, path.string(), error.message());
  const fs::path probe = path / fmt::format(".probe-{}", ::getpid());
  const int fd = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0)
    fail_usage("{} {}: nothing can be written there: {}; choose another folder or change its permissions", option,
               path.string(), std::strerror(errno));
  ::close(fd);
  ::unlink(probe.c_str());
}

bool is_inside(const fs::path& relative) {
  if (relative.empty() || relative.is_absolute()) return false;
  if (relative.native().find('\0') != std::string::npos) return false;
  for (const auto& part : relative)
    if (part == "..") return false;
  return true;
}

}  // namespace boxseg
