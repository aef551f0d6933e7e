// Keeps the values of labels for the filter.
//
// Beliefs of K labels sum to 1, so the messages of one label follow from those of the others: with c = K 1, what the
// kernels make of a constant 1, they are c minus the others' sum. Only K-1 labels are filtered, and the last label's
// score is subtracted from all. The columns of these K-1 labels are kept in panels of 1, 2 or 4 (the last one padded),
// each an array [P, width].
#pragma once
#include <cstdint>

namespace boxseg::crf {

struct Panels {
  int width;      // columns of each panel: 1, 2 or 4
  int64_t count;  // number of panels; 0 for a single label
  static Panels for_labels(int64_t labels) {
    const int width = labels <= 2 ? 1 : labels == 3 ? 2 : 4;
    return {width, (labels - 1 + width - 1) / width};
  }
  int64_t columns() const { return width * count; }
};

// Columns that only pad a panel have this unary, so that their belief is 0.
inline constexpr float kNoLabel = -1e30f;

inline constexpr int64_t kMostTogether = 64;  // pixels

// Writes log-probabilities minus that of the last label, for `count` pixels in a row (at most kMostTogether).
// probabilities: [K, ...] at the first of them, `plane` floats from label to label; panels: at its point, `points` from
// panel to panel. Probabilities are clipped to [floor, 1]. Returns false where one is NaN or infinite.
bool log_ratios(const float* probabilities, int64_t plane, int64_t labels, float floor, const Panels& layout,
                int64_t points, int64_t count, float* panels);

// Goes the other way: copies values in panels of `count` pixels in a row into a plane per label but the last.
void planes_of(const float* panels, const Panels& layout, int64_t points, int64_t count, int64_t labels, int64_t plane,
               float* values);

}  // namespace boxseg::crf
