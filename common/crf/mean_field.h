// The per-pixel half of a mean-field step.
#pragma once
#include <cstdint>

#include "common/crf/simd.h"

namespace boxseg::crf {

// Scores of the columns that only pad a row: their probability is 0.
inline constexpr float kNoLabel = -1e30f;

// Floats per row that hold `labels` values: a whole number of panels (simd.h).
constexpr int64_t padded_columns(int64_t labels) {
  return labels <= kMaxWidth ? padded_width(labels)
                             : labels / kMaxWidth * kMaxWidth + (labels % kMaxWidth ? padded_width(labels % kMaxWidth) : 0);
}

// probabilities = exp(scores) / sum over the row, for `rows` rows of `stride` floats.
void softmax_rows(const float* scores, float* probabilities, int64_t stride, int64_t labels, int64_t rows);

}  // namespace boxseg::crf
