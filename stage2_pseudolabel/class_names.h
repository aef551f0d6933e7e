// Which class of a classifier stands for which of a dataset, by their names.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace boxseg {

struct ClassMatches {
  std::vector<int64_t> row_of_class;  // by class of the dataset: the classifier's, or -1 where it knows none
  std::vector<std::string>
      other_names;  // "tv is taken for tvmonitor": those whose names differ, the classifier's first
};

// A class of the dataset is, in this order: what `class_map` says, the classifier's of the very name, the one whose
// name differs by case, blanks, underscores and the like, and the one for which it is VOC's or COCO's word (tvmonitor
// and tv, aeroplane and airplane, motorbike and motorcycle, sofa and couch). Several may be one class of the
// classifier.
//
// class_map: "CLASSIFIER=DATASET,...", as "cat=pet cat,cat=stray cat": the classifier's name, then the dataset's. A
// comma, an equals sign or a backslash in a name has a backslash before it. Throws usage where it cannot be read, names
// a class that its side does not have, gives a class of the dataset two of the classifier, or an object the background.
ClassMatches match_class_names(const std::vector<std::string>& classifier, const std::vector<std::string>& dataset,
                               const std::string& class_map);

}  // namespace boxseg
