// Finds the classifier's weight vector of each class of a dataset, by name.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace boxseg {

// Holds the classifier's weight vectors, found by the class ids of the dataset.
struct ClassWeights {
  int64_t channels = 0;
  std::vector<double> rows;              // [K',C], K' classes of the classifier
  std::vector<int64_t> row_of_class;     // by class id of the dataset; -1: the classifier does not know the class
  std::vector<std::string> other_names;  // "tv is taken for tvmonitor", as in ClassMatches

  bool knows(int64_t class_id) const;
  const double* of(int64_t class_id) const;  // [C]; the class must be known
};

// `record` is the checkpoint's; its "class_names" name the classifier's rows. A file without names fits a dataset with
// as many classes; one with 21 (the authors' bare files) is taken to know those of VOC. How names match, and what
// `class_map` says, stands in class_names.h. Throws bad_input, naming `source`, when the classes cannot be matched at
// all, and usage for a map that does not fit them.
ClassWeights match_classes(const at::Tensor& classifier_weight, const std::map<std::string, std::string>& record,
                           const std::vector<std::string>& class_names, const std::string& source,
                           const std::string& class_map = "");

// Returns the names of the dataset's classes that have no weight.
std::vector<std::string> unknown_classes(const ClassWeights& weights, const std::vector<std::string>& class_names);

}  // namespace boxseg
