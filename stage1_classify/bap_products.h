// The matrix products of background-aware pooling with the features of one image, on the CPU. What a box asks for lies
// in few cells; products are made there and nowhere else, and no operand is copied.
//
// f: features of one image, [C,area] row-major. Cells are counted along the map, and grouped into blocks of kLanes.
#pragma once
#include <cstdint>
#include <vector>

#include "stage1_classify/bap_plan.h"

namespace boxseg::bap {

// Runs of cells, each whole blocks long but for one that ends with the map.
struct CellRuns {
  struct Run {
    int64_t begin, end;
  };
  std::vector<Run> runs;
};

// The cells that samples of boxes begin .. end - 1 of the plan touch, rounded to blocks.
CellRuns cells_of_boxes(const BapPlan& plan, int64_t begin, int64_t end);

// Sums over the background cells of each query. out: [J,C].
template <class T>
void sum_members(const BapPlan& plan, int64_t image, const T* f, int64_t channels, T* out);

// The adjoint, which sets all of out: out[c,cell] = grad[j,c] for background cells of query j, else 0.
// Channels first .. last - 1; out: [C,area], grad: [J,C].
template <class T>
void spread_members(const BapPlan& plan, int64_t image, const T* grad, int64_t channels, int64_t first, int64_t last,
                    T* out);

// out[r,cell] = sum_c a[r,c] f[c,cell] at the cells of `cells`; others are left. a: [rows,C], out: [rows,area].
template <class T>
void products_at_cells(const T* a, int64_t rows, const T* f, int64_t channels, int64_t area, const CellRuns& cells,
                       T* out);

// out[r,c] = sum_cell g[r,cell] f[c,cell] over the cells of `cells`. g: [rows,area], out: [rows,C].
template <class T>
void products_at_channels(const T* g, int64_t rows, const T* f, int64_t channels, int64_t area, const CellRuns& cells,
                          T* out);

// out[c,cell] += sum_r a[r,c] m[r,cell] at the cells of `cells`, channels first .. last - 1. a: [rows,C], m:
// [rows,area], out: [C,area].
template <class T>
void add_outer_products(const T* a, const T* m, int64_t rows, int64_t channels, int64_t area, const CellRuns& cells,
                        int64_t first, int64_t last, T* out);

}  // namespace boxseg::bap
