// Sums features over the background cells of one image on the CPU, and tells the cells that its boxes touch, since
// background-aware pooling makes products with features there and nowhere else.
//
//
// f: features of one image, [C,area] row-major.
#pragma once
#include <cstdint>

#include "common/ops/map_products.h"
#include "stage1_classify/bap_plan.h"

namespace boxseg::bap {

// Returns the cells that samples of boxes begin .. end - 1 of the plan touch, rounded to blocks.
CellRuns cells_of_boxes(const BapPlan& plan, int64_t begin, int64_t end);

// Sums over the background cells of each query, for channels first .. last - 1. out: [J,C].
template <class T>
void sum_members(const BapPlan& plan, int64_t image, const T* f, int64_t channels, int64_t first, int64_t last, T* out);

// This is the adjoint, which sets all of out: out[c,cell] = grad[j,c] for background cells of query j, else 0, for
// channels first .. last - 1. out: [last - first,area], grad: [J,C].
template <class T>
void spread_members(const BapPlan& plan, int64_t image, const T* grad, int64_t channels, int64_t first, int64_t last,
                    T* out);

}  // namespace boxseg::bap
