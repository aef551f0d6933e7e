#include "common/pipeline/stage/brief_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/error.h"
#include "common/base/files.h"

namespace boxseg {

BriefLock::BriefLock(const fs::path& path) {
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

BriefLock::~BriefLock() { ::close(fd_); }

}  // namespace boxseg
