// A folder to write into, of which nothing is left where nothing was written.
#pragma once
#include <vector>

#include "common/base/files.h"

namespace boxseg {

// Makes the folder and those above it; throws usage where it cannot be written to. At its end it removes those that it
// made and that are still empty, as where the work failed.
class OutputFolder {
 public:
  explicit OutputFolder(const fs::path& path) {
    for (fs::path folder = fs::absolute(path).lexically_normal(); !fs::exists(folder); folder = folder.parent_path())
      made_.push_back(folder);
    require_writable_directory(path);
  }
  ~OutputFolder() {
    std::error_code not_empty;
    for (const fs::path& folder : made_) fs::remove(folder, not_empty);  // the innermost first
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  std::vector<fs::path> made_;
};

}  // namespace boxseg
