// Knows the names of the files below a folder, which are read from disk once. Whether a file of any suffix is there is
// then known without asking the disk each time, and a name that is nearly the wanted one can be told.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

class FolderNames {
 public:
  explicit FolderNames(fs::path folder) : folder_(std::move(folder)) {}

  // Returns the files ID.SUFFIX with one of the suffixes (lower case, with the dot) in whatever case: those of the
  // first suffix first, then by name. Paths are below the folder: "d/e f.Jpg". Thread-safe, as the others.
  std::vector<std::string> find(const std::string& id, const std::vector<std::string>& suffixes) const;

  // Returns what to say where find() has nothing and a file is there that may be meant: "; there is café.jpg, whose
  // accents ...", or "" when there is none. With `is_strict` only names that differ in case or in the form of their
  // accents count, else also other suffixes.
  std::string near_miss(const std::string& id, const std::vector<std::string>& suffixes, bool is_strict = false) const;

  // Returns up to `count` names directly in the folder, in order, to show what it holds.
  std::vector<std::string> first(size_t count) const;

  const fs::path& folder() const { return folder_; }

 private:
  struct Names {
    std::map<std::string, std::vector<std::string>> of_stem;   // sorted
    std::map<std::string, std::vector<std::string>> alike_of;  // letters that all that look alike share -> stems
  };
  const Names& names_in(const fs::path& sub_folder) const;

  fs::path folder_;
  mutable std::mutex mutex_;
  mutable std::map<fs::path, Names> read_;  // by sub-folder
};

// True for names that people take for the same although their bytes differ: "é" as one character or as "e" and an
// accent (as macOS stores it), Hangul whole or in letters, capital and small letters of ASCII. It may hold for other
// accents of the same letters, too: good for a hint, not for a decision.
bool look_alike(std::string_view a, std::string_view b);

}  // namespace boxseg
