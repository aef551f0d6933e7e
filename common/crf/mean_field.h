// Does the per-pixel half of a mean-field step.
#pragma once
#include <cstdint>

#include "common/crf/panels.h"
#include "common/simd/instruction_set.h"

namespace boxseg::crf {

// So many pixels are handed to update_beliefs() at a time: a multiple of what a vector holds.
inline constexpr int64_t kBeliefGrain = 1024;

// Computes beliefs[k] = exp(z_k) / (1 + sum_j exp(z_j)) with z_k = unary[k] + messages[k] + sum_j messages[j].
struct BeliefUpdate {
  Panels panels;
  int64_t pixels;         // P: from one panel to the next there are P * width floats
  const float* unary;     // panels: log-probabilities minus the last label's and minus c
  const float* messages;  // panels, may be `beliefs` itself, or null for none
  float* beliefs;         // panels
  float* last;            // [P]: the belief in the last label, or null if it is not wanted
};

// Updates pixels from .. to - 1. The bits do not depend on the instructions.
void update_beliefs(const BeliefUpdate& update, int64_t from, int64_t to, InstructionSet instructions);

}  // namespace boxseg::crf
