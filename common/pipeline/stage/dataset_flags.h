// Which images a program works on, as flags of its command line.
#pragma once
#include <string>

#include "common/base/options.h"

namespace boxseg {

// --dataset INDEX, --data-root FOLDER, --split NAME.
struct DatasetFlags {
  std::string dataset, data_root, split;
  explicit DatasetFlags(std::string usual_split) : split(std::move(usual_split)) {}
  // `what_split`: "images to train on"; `what_index`: what the index must have.
  void declare(Options& o, const std::string& what_split, const std::string& what_index = "index made by prepare") {
    o.add("dataset", &dataset, what_index, Role::input);
    o.add("data-root", &data_root, "where the dataset's files are, if not where prepare found them", Role::run);
    o.add("split", &split, what_split);
  }
};

}  // namespace boxseg
