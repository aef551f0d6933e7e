#include "common/crf/mean_field.h"

#include <algorithm>
#include <cmath>

namespace boxseg::crf {

void softmax_rows(const float* scores, float* probabilities, int64_t stride, int64_t labels, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i, scores += stride, probabilities += stride) {
    float largest = scores[0], sum = 0;
    for (int64_t k = 1; k < labels; ++k) largest = std::max(largest, scores[k]);
    for (int64_t k = 0; k < labels; ++k) sum += probabilities[k] = std::exp(scores[k] - largest);
    for (int64_t k = 0; k < labels; ++k) probabilities[k] /= sum;
    for (int64_t k = labels; k < stride; ++k) probabilities[k] = 0;
  }
}

}  // namespace boxseg::crf
