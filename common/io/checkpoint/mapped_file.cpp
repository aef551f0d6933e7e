#include "common/io/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/error.h"

namespace boxseg {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail_input("{}: cannot be read: {}", path.string(), std::strerror(errno));
  struct stat status {};
  const bool is_regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  void* start = MAP_FAILED;
  if (is_regular && status.st_size > 0)
    start = ::mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  ::close(fd);
  if (!is_regular) fail_input("{}: is not a regular file, expected network weights", path.string());
  if (status.st_size == 0) fail_input("{}: is empty, expected network weights; copy it again", path.string());
  if (start == MAP_FAILED) fail_input("{}: cannot be read: {}", path.string(), std::strerror(error));
  ::madvise(start, static_cast<size_t>(status.st_size), MADV_SEQUENTIAL);
  bytes_ = {static_cast<const char*>(start), static_cast<size_t>(status.st_size)};
}

MappedFile::~MappedFile() { ::munmap(const_cast<char*>(bytes_.data()), bytes_.size()); }

}  // namespace boxseg
