// Finds the photographs of any folder, with those of the folders in it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

// Returns the suffixes of photographs in lower case, in the order in which they are preferred.
const std::vector<std::string>& image_suffixes();

bool is_folder(const fs::path& path);  // false also where it cannot be looked at
// Returns a path relative to a folder as it really lies: behind a link, ".." leads on from where the link points. "" of
// "".
fs::path as_seen_from(const fs::path& folder, const fs::path& path);

struct PhotoFolder {
  std::map<std::string, fs::path> photos;     // by name below the folder, "d/e f.JPG"; sorted
  std::map<std::string, int64_t> left_out;    // other suffixes -> number of files; "" for none
  std::vector<std::string> folders_left_out;  // a sentence each: links, results of a stage, unreadable ones
  std::string describe_left_out() const;      // "3 .heic, 1 .txt"; "" where nothing was
};

// True when a stage wrote this folder: it holds a manifest.h5, or the journal of one to come.
bool holds_results(const fs::path& folder);

// Hidden files and folders are passed over (.thumbnails, and ._a.jpg, which macOS puts beside a.jpg), and so are
// `without`, a folder that may be inside, folders that a stage wrote (holds_results()), and links to folders, which may
// lead in a circle. Throws bad_input where `folder` cannot be read; unreadable folders in it are left out.
PhotoFolder find_photos(const fs::path& folder, const fs::path& without = {});

}  // namespace boxseg
