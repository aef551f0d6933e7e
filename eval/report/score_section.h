// Makes the report's part on mean IoU: the most telling numbers as tiles, then bars, tables and charts of all.
#pragma once
#include <optional>
#include <string>

#include "eval/report/run_folder.h"

namespace boxseg {

// Returns whether this is one of many variants that differ in a setting or a seed (nal+3.lambda_0.5, bap@2): its place
// is a table, so it stands folded away.
bool is_sibling(const std::string& variant);

// Both return HTML, "" where there are no numbers.
std::string score_tiles(const RunFolder& run, const std::string& split);
// The scores of all splits, those of `first_split` first; beside them stand those of `against`.
std::string scores_section(const RunFolder& run, const std::optional<RunFolder>& against,
                           const std::string& first_split);

}  // namespace boxseg
