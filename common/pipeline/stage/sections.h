// What presets and variants (data/presets, data/variants) hold: a section for each program, and keys for `plan`.
#pragma once
#include <string>
#include <vector>

#include "common/base/options.h"

namespace boxseg {

inline const std::vector<std::string> kSections = {"dataset", "stage1",   "stage2", "stage3",
                                                   "predict", "evaluate", "report", "pipeline"};

// Keys that only `plan` reads: what a preset or variant builds on, and what it is for.
inline const std::vector<std::string> kPlanKeys = {"from", "description", "on-top-of"};

// A program that can be given a whole preset with --config: it reads its own section and passes over the others.
inline ProgramInfo reads_presets(ProgramInfo info) {
  info.other_sections = kSections;
  info.other_keys = kPlanKeys;
  return info;
}

}  // namespace boxseg
