// What stands beside the labels of a YOLO data set: data.yaml, or a list of the names of classes.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct YoloConfig {
  fs::path file;                    // of which all this is; empty where no such file was found
  std::vector<std::string> names;   // of classes, by their numbers; empty where the file names none
  bool has_invented_names = false;  // the file says only how many classes there are
  // Only of data.yaml:
  std::string root;  // "path": the folder to which the splits are relative; or ""
  std::map<std::string, std::vector<std::string>>
      splits;                    // "train", "val", "test", ... -> folders and lists, as written
  int64_t keypoint_numbers = 0;  // of each line, behind the box: data sets of poses have them
};

// Whether a file is such a YAML by its content: "names" or "nc" is a key at its top.
bool is_data_yaml(const fs::path& file);

// Whether a file's name is that of a list of classes: classes.txt, obj.names, names.txt, _darknet.labels.
bool is_names_file(const fs::path& file);

// The file of that kind directly in a folder, empty for none: data.yaml, another YAML that is_data_yaml(), then lists
// of names. Throws bad_input where several YAML could be meant.
fs::path find_yolo_config(const fs::path& folder);

// Reads either kind. A class list has a name a line, by the class number from 0 on.
// Throws bad_input: what read_yaml_subset() refuses; names that leave out a number, stand twice, are empty or are not
// as many as "nc" says; no names and no "nc".
YoloConfig read_yolo_config(const fs::path& file);

}  // namespace boxseg
