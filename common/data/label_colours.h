// Finds palette PNGs whose colours are VOC's but at other indices, since an editor or a converter has renumbered them.
// The indices are what counts here, so such a map looks right and means other classes.
#pragma once
#include <filesystem>
#include <mutex>
#include <string>

#include "common/data/dataset.h"

namespace boxseg {

// Returns "index 0 has VOC's colour of class 2 (dog)" if all indices that are used have VOC's colours of the dataset's
// classes or void and at least one is not at its place; "" for all other files. Throws bad_input when the file cannot
// be read.
std::string renumbered_colours(const std::filesystem::path& path, const LabelMap& labels,
                               const std::vector<std::string>& class_names);

// Counts such files of a set. Thread-safe; the order of files does not matter.
class RenumberedFiles {
 public:
  explicit RenumberedFiles(std::vector<std::string> class_names) : class_names_(std::move(class_names)) {}
  void look_at(const std::filesystem::path& path, const LabelMap& labels);
  std::string doubt() const;  // one sentence that names the first file; "" when there was none

 private:
  std::vector<std::string> class_names_;
  int64_t files_ = 0, renumbered_ = 0;
  std::string first_file_, first_colours_;
  mutable std::mutex mutex_;
};

}  // namespace boxseg
