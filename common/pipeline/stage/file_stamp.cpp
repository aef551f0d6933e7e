#include "common/pipeline/stage/file_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdint>

namespace boxseg {

std::string stamp_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return kNoFile;
  return fmt::format("{}:{}.{}", static_cast<int64_t>(status.st_size), static_cast<int64_t>(status.st_mtim.tv_sec),
                     static_cast<int64_t>(status.st_mtim.tv_nsec));
}

}  // namespace boxseg
