// The per-pixel half of a mean-field step.
//
// Beliefs of K labels sum to 1, so the messages of one label follow from those of the others: with c = K 1, what the
// kernels make of a constant 1, they are c minus the others' sum. Only K-1 labels are filtered, and the last label's
// score is subtracted from all. The columns of these K-1 labels are kept in panels of 1, 2 or 4 (the last one padded),
// each an array [P, width].
#pragma once
#include <cstdint>

#include "common/base/instruction_set.h"
#include "common/crf/simd.h"  // padded_width()

namespace boxseg::crf {

struct Panels {
  int width;      // columns of each panel: 1, 2 or 4
  int64_t count;  // of panels; 0 for a single label
  static Panels for_labels(int64_t labels) {
    const int width = padded_width(labels - 1);
    return {width, (labels - 1 + width - 1) / width};
  }
  int64_t columns() const { return width * count; }
};

// Of columns that only pad a panel: their belief is 0.
inline constexpr float kNoLabel = -1e30f;

// Pixels to hand to update_beliefs() at a time: a multiple of what a vector holds.
inline constexpr int64_t kBeliefGrain = 1024;

// beliefs[k] = exp(z_k) / (1 + sum_j exp(z_j)), z_k = unary[k] + messages[k] + sum_j messages[j].
struct BeliefUpdate {
  Panels panels;
  int64_t pixels;         // P: from one panel to the next there are P * width floats
  const float* unary;     // panels: log-probabilities minus the last label's and minus c
  const float* messages;  // panels, may be `beliefs` itself, or null for none
  float* beliefs;         // panels
  float* last;            // [P]: the belief in the last label, or null if it is not wanted
};

// For pixels from .. to - 1. The bits do not depend on the instructions.
void update_beliefs(const BeliefUpdate& update, int64_t from, int64_t to, InstructionSet instructions);

}  // namespace boxseg::crf
