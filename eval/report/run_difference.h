// Finds in what two runs differ: how each piece of work was made, by the manifests, and where the numbers moved.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "eval/report/run_folder.h"

namespace boxseg {

// Names one thing that has other values: "option threshold", "program", "seed", "device", "threads", "images". The
// value "" means that a run has none.
struct Change {
  std::string what, here, there;
};

// Says how a piece of work that both runs have was made differently.
struct PieceDifference {
  std::string folder;  // relative to the run: "stage2/bap/val"
  std::vector<Change> changes;
  std::vector<std::string> inputs;     // roles whose content is another: "checkpoint", "labels"
  int64_t other_files = 0, files = 0;  // outputs whose content is another or that one run alone has; all outputs

  bool is_same() const { return changes.empty() && inputs.empty() && other_files == 0; }
};

struct ClassDifference {
  std::string name;
  double moved = 0;  // IoU here - there, in points
};

// Says how a number moved that both runs have.
struct NumberDifference {
  std::string key, title, split;         // "stage2/bap/val/y_crf", "bap: Y_crf", "val"
  double here = 0, there = 0;            // mIoU in percent
  std::vector<ClassDifference> classes;  // those that moved, most first

  bool is_same() const { return here == there && classes.empty(); }
};

struct RunDifference {
  std::string here, there;                // names of the runs; their paths where the names are the same
  std::vector<PieceDifference> pieces;    // those that differ, in the order of the pipeline
  std::vector<NumberDifference> numbers;  // those that differ, as the page orders them
  int64_t same_pieces = 0, same_numbers = 0;
  std::vector<std::string> pieces_here_only, pieces_there_only;    // folders
  std::vector<std::string> numbers_here_only, numbers_there_only;  // keys

  bool is_same() const;
};

RunDifference difference_of(const RunFolder& here, const RunFolder& there);

}  // namespace boxseg
