// Which photograph of a folder an annotation means. Annotations name photographs as the tool that wrote them saw them:
// with folders of another machine, backslashes, other capitals, or without a suffix.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/data/formats/box_annotations.h"
#include "common/data/photo_folder.h"

namespace boxseg {

class PhotoNames {
 public:
  // Photographs by their names below a folder: find_photos().
  explicit PhotoNames(const std::map<std::string, fs::path>& photos);

  struct Match {
    std::vector<std::string> names;  // below the folder; one where it is clear, several where it is not
    bool is_guess = false;           // another folder, other capitals, or another suffix than the annotation says
  };
  // The first of these that gives a photograph: the name as it is; its end, without leading folders; its last part in
  // any folder; the same in other capitals; the same with another suffix, or one where the annotation has none.
  Match find(const std::string& name) const;
  // The same for an image of annotations that were read from a file or folder: one in a file of its own names its
  // photograph as seen from the folder of that file, so that this one is tried first.
  Match find(const AnnotatedImage& image, const fs::path& file_or_folder) const;

 private:
  std::map<std::string, std::vector<std::string>> of_path_stem_, of_file_, of_lower_file_, of_lower_stem_;
  std::map<std::string, std::string> of_name_;
};

}  // namespace boxseg
