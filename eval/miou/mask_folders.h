// Label maps against others without an index: two folders of label PNGs, in which the same name means the same image.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "eval/miou/label_folder.h"

namespace boxseg {

inline constexpr const char* kTruthSplit = "truth";

struct TruthFolder {
  // Each label PNG is an image and its own mask; ids are names below the folder without ".png". All are in one split,
  // kTruthSplit. There are no boxes, and class names are the caller's to fill in.
  Dataset dataset;
  int64_t largest_label = 0;  // void (255) aside
};

// Reads all label PNGs below the folder on `threads` threads, interruptibly. Throws bad_input where there is none, one
// is damaged, or all hold nothing but background and void: a prediction of nothing would be perfect.
TruthFolder read_truth_folder(const fs::path& folder, int threads);

// Returns "0", "1", ... up to the largest label of the truth and of its predictions, which must be there.
std::vector<std::string> numbered_classes(const TruthFolder& truth, const LabelFolder& predictions, int threads);

// Returns the PNGs below `folder` that have no truth of their name, sorted.
std::vector<std::string> files_without_truth(const fs::path& folder, const TruthFolder& truth);

}  // namespace boxseg
