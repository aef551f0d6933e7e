// Which images a YOLO data set has, and where their labels are.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/data/formats/box_checks.h"
#include "common/data/formats/yolo/yolo_config.h"

namespace boxseg {

struct YoloImages {
  std::map<std::string, fs::path> labels_of;               // name of an image -> its file of labels, which exists
  std::map<std::string, std::vector<std::string>> splits;  // -> names of images, those without labels too
};

// The images of the splits of data.yaml. A name has no suffix and is relative to the folder of data.yaml, or to that of
// its "path": "images/train/a"; it is the absolute path of an image outside of it. A split is a folder, with the
// folders in it, or a file that lists images, or several of them. Photographs need not be there: then the labels tell
// the names. A path that is not there, as one of another machine, is looked for by its last parts, which is said in
// `doubts`. Splits that cannot be found, and images without labels, are said as well.
// Throws bad_input: no split can be found, or not one image has labels.
YoloImages find_yolo_images(const YoloConfig& config, std::vector<std::string>& doubts);

// The files of labels in a folder and in those below: names are relative to it, without suffix. Where it has a folder
// "labels", this is meant. Texts that are no labels are left out and said in `doubts`. Throws bad_input: no labels.
YoloImages find_yolo_labels(const fs::path& folder, std::vector<std::string>& doubts);

}  // namespace boxseg
