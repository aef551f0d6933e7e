// Does the arithmetic of background-aware pooling (bap.h) over raw pointers and one index, for C++ and CUDA.
//
// A box is sampled on rows x cols points; positions are separable, so a box has one table per axis (AxisSample) and,
// per feature cell, the range of samples that touch it (`first`). Every function below makes one output from all that
// enters it: nothing is scattered, so results do not depend on the order of threads.
//
// The way back through |q|, the norm of a query, is the same on every path. A cosine <q,f>/(|q||f|) falls by cos/|q| as
// |q| grows, and summed over all samples that is <gradient of D_j, D_j>/|q|^2 along q, where D_j are the dot products
// of query j with the map (`dots`). Where |q| is below kNormFloor it is taken as constant, as torch's normalize does.
// Axes: N images, J = grid*grid queries, R boxes, S samples of all boxes, h w feature cells, K2 = roi*roi windows.
#pragma once
#include <cmath>
#include <cstdint>

#include "common/labels/squared_norm.h"
#include "common/ops/gram_maps_kernel.h"
#include "common/simd/kernel.h"

namespace boxseg::bap {

inline constexpr double kNormFloor = 1e-12;  // torch.nn.functional.normalize's eps
inline constexpr double kDivisionGuard = 1e-12;

// One sample along one axis lies between cell `lower` and the next; weights of cells outside the map are 0.
struct AxisSample {
  int32_t lower;
  float weight, next_weight;
};

struct Box {
  int32_t image;
  int32_t rows, cols;                // samples
  int32_t row_samples, col_samples;  // where its AxisSamples begin
  int32_t row_first, col_first;      // where its `first` tables begin: h+1 and w+1 numbers
  int64_t sample;                    // where its samples begin in [S], row-major
};

// Says how the padded map is cut into grid x grid cells, of which each has a query.
struct Grid {
  int64_t grid, cell_h, cell_w, pad_top, pad_left;
  // Returns the query whose grid cell holds this cell of the map.
  BOXSEG_HD int64_t query_of(int64_t y, int64_t x) const {
    return (y + pad_top) / cell_h * grid + (x + pad_left) / cell_w;
  }
};

// Holds what every kernel reads. Maps are [N,.,h,w].
template <class T>
struct View {
  int64_t images, boxes_count, samples, h, w, queries, roi;
  const Box* boxes;          // [R], ordered by image
  const int32_t* box_begin;  // [N+1]
  const AxisSample* axis;
  const int32_t* first;           // first[c] = number of samples with lower < c
  const int32_t* attending;       // [N]: how many queries have background; 0 where boxes are pooled plainly
  const float* background_count;  // [N,J]
  const T* dots;                  // [N,J,h,w]: <q_j, f>
  const T* gram;                  // [N,5,h,w]
  const T* query_norms;           // [N,J]
};

template <class T>
struct Point {                 // the four cells around a sample and their weights
  int64_t cell, right, below;  // offsets to the right and lower neighbour, 0 where there is none
  T w00, w01, w10, w11;
  BOXSEG_HD T at(const T* map) const {
    const T* m = map + cell;
    return w00 * m[0] + w01 * m[right] + w10 * m[below] + w11 * m[below + right];
  }
};

template <class T>
BOXSEG_HD Point<T> point_of(const View<T>& v, const Box& box, int64_t row, int64_t col) {
  const AxisSample y = v.axis[box.row_samples + row], x = v.axis[box.col_samples + col];
  const T y0 = static_cast<T>(y.weight), y1 = static_cast<T>(y.next_weight);
  const T x0 = static_cast<T>(x.weight), x1 = static_cast<T>(x.next_weight);
  return {y.lower * v.w + x.lower,
          x.lower + 1 < v.w ? 1 : 0,
          y.lower + 1 < v.h ? v.w : 0,
          y0 * x0,
          y0 * x1,
          y1 * x0,
          y1 * x1};
}

template <class T>
BOXSEG_HD T squared_norm(const View<T>& v, int64_t image, const Point<T>& p) {
  const int64_t area = v.h * v.w;
  return squared_norm_at(v.gram + image * 5 * area, area, p.cell, v.w, p.right != 0, p.below != 0, p.w00, p.w01, p.w10,
                         p.w11);
}

// This is pooling window k of roi over n samples: windows are n/roi apart, and the rest overlaps. With fewer samples
// than windows the first sample (columns) or the last (rows) is repeated.
struct Window {
  int64_t begin, end;
};
BOXSEG_HD Window window_of(int64_t k, int64_t roi, int64_t n, bool repeats_first) {
  if (n < roi) {
    const int64_t shifted = repeats_first ? k - (roi - n) : k;
    const int64_t at = shifted < 0 ? 0 : shifted >= n ? n - 1 : shifted;
    return {at, at + 1};
  }
  const int64_t stride = n / roi;
  return {k * stride, k * stride + n - (roi - 1) * stride};
}

// Returns the foreground attention of one sample: 1 - mean over the image's queries of relu(cosine).
template <class T>
BOXSEG_HD T foreground_attention(const View<T>& v, const Box& box, int64_t row, int64_t col) {
  const int64_t attending = v.attending[box.image];
  if (attending == 0) return T(1);
  const Point<T> p = point_of(v, box, row, col);
  const T square = squared_norm(v, box.image, p);
  const T norm = square > 0 ? sqrt(square) : T(0);
  const T safe_norm = norm > T(kNormFloor) ? norm : T(kNormFloor);
  const int64_t area = v.h * v.w, base = box.image * v.queries;
  T sum = 0;
  for (int64_t j = base; j < base + v.queries; ++j) {
    if (v.background_count[j] <= 0) continue;
    const T query_norm = v.query_norms[j] > T(kNormFloor) ? v.query_norms[j] : T(kNormFloor);
    const T cosine = p.at(v.dots + j * area) / (safe_norm * query_norm);
    if (cosine > 0) sum += cosine;
  }
  return T(1) - sum / static_cast<T>(attending);
}

// Returns the sum of the attention in one window, + 1e-12.
template <class T>
BOXSEG_HD T window_weight(const View<T>& v, const T* attention, int64_t box_index, int64_t window) {
  const Box& box = v.boxes[box_index];
  const Window rows = window_of(window / v.roi, v.roi, box.rows, false);
  const Window cols = window_of(window % v.roi, v.roi, box.cols, true);
  T sum = 0;
  for (int64_t y = rows.begin; y < rows.end; ++y)
    for (int64_t x = cols.begin; x < cols.end; ++x) sum += attention[box.sample + y * box.cols + x];
  return sum + T(kDivisionGuard);
}

// Returns the samples whose four cells include cell c along an axis with table `first` (at least c+2 numbers).
BOXSEG_HD Window touching(const int32_t* first, int64_t c) { return {first[c > 0 ? c - 1 : 0], first[c + 1]}; }

template <class T>
BOXSEG_HD T weight_in_cell(const AxisSample& sample, int64_t c) {
  return static_cast<T>(sample.lower == c ? sample.weight : sample.next_weight);
}

// Returns how much cell (y,x) enters window `window` of a box: one number of the pooling matrix [R*K2, h*w].
template <class T>
BOXSEG_HD T pooling_weight(const View<T>& v, const T* attention, const T* window_weights, int64_t box_index,
                           int64_t window, int64_t y, int64_t x) {
  const Box& box = v.boxes[box_index];
  const Window in_rows = window_of(window / v.roi, v.roi, box.rows, false);
  const Window in_cols = window_of(window % v.roi, v.roi, box.cols, true);
  const Window rows = touching(v.first + box.row_first, y), cols = touching(v.first + box.col_first, x);
  T sum = 0;
  for (int64_t r = rows.begin < in_rows.begin ? in_rows.begin : rows.begin; r < rows.end && r < in_rows.end; ++r) {
    T row_sum = 0;
    for (int64_t c = cols.begin < in_cols.begin ? in_cols.begin : cols.begin; c < cols.end && c < in_cols.end; ++c)
      row_sum += attention[box.sample + r * box.cols + c] * weight_in_cell<T>(v.axis[box.col_samples + c], x);
    sum += row_sum * weight_in_cell<T>(v.axis[box.row_samples + r], y);
  }
  return sum / window_weights[box_index * v.roi * v.roi + window];
}

// Computes the gradient of the loss with respect to what one sample contributes. It writes per query the gradient of
// the interpolated dot product (query_gradients[J], 0 where it does not take part), and returns that of the squared
// norm. grad_dots_at: maps [R*K2, h,w] of <gradient of a pooled vector, f>; grad_self [R*K2] = <gradient, pooled
// vector>.
template <class T>
BOXSEG_HD T sample_gradients(const View<T>& v, const T* window_weights, const T* grad_dots_at, const T* grad_self,
                             int64_t box_index, int64_t row, int64_t col, T* query_gradients) {
  const Box& box = v.boxes[box_index];
  const int64_t attending = v.attending[box.image], area = v.h * v.w, base = box.image * v.queries;
  for (int64_t j = 0; j < v.queries; ++j) query_gradients[j] = 0;
  if (attending == 0) return T(0);
  const Point<T> p = point_of(v, box, row, col);
  T grad_attention = 0;  // gradient of 1 - A
  for (int64_t k = 0; k < v.roi * v.roi; ++k) {
    const Window rows = window_of(k / v.roi, v.roi, box.rows, false),
                 cols = window_of(k % v.roi, v.roi, box.cols, true);
    if (row < rows.begin || row >= rows.end || col < cols.begin || col >= cols.end) continue;
    const int64_t pooled = box_index * v.roi * v.roi + k;
    grad_attention += (p.at(grad_dots_at + pooled * area) - grad_self[pooled]) / window_weights[pooled];
  }
  const T square = squared_norm(v, box.image, p);
  const T norm = square > 0 ? sqrt(square) : T(0);
  const bool is_floored = !(norm >= T(kNormFloor));
  const T safe_norm = is_floored ? T(kNormFloor) : norm;
  const T grad_cosine = -grad_attention / static_cast<T>(attending);
  T grad_norm = 0;
  for (int64_t j = 0; j < v.queries; ++j) {
    if (v.background_count[base + j] <= 0) continue;
    const T query_norm = v.query_norms[base + j] > T(kNormFloor) ? v.query_norms[base + j] : T(kNormFloor);
    const T cosine = p.at(v.dots + (base + j) * area) / (safe_norm * query_norm);
    if (!(cosine > 0)) continue;
    query_gradients[j] = grad_cosine / (safe_norm * query_norm);
    grad_norm -= grad_cosine * cosine / safe_norm;
  }
  return is_floored ? T(0) : grad_norm / (2 * norm);
}

// Computes the gradients of the maps at cell (y,x) of an image from those of all samples that touch it: adds to
// grad_dots (J numbers, `stride` apart) and to grad_gram (5 numbers, `stride` apart).
template <class T>
BOXSEG_HD void cell_gradients(const View<T>& v, const T* query_gradients, const T* norm_gradients, int64_t image,
                              int64_t y, int64_t x, int64_t stride, T* grad_dots, T* grad_gram) {
  for (int64_t b = v.box_begin[image]; b < v.box_begin[image + 1]; ++b) {
    const Box& box = v.boxes[b];
    const Window rows = touching(v.first + box.row_first, y), cols = touching(v.first + box.col_first, x);
    for (int64_t r = rows.begin; r < rows.end; ++r)
      for (int64_t c = cols.begin; c < cols.end; ++c) {
        const AxisSample& row = v.axis[box.row_samples + r];
        const AxisSample& col = v.axis[box.col_samples + c];
        const T wy = weight_in_cell<T>(row, y), wx = weight_in_cell<T>(col, x), weight = wy * wx;
        const int64_t s = box.sample + r * box.cols + c;
        const T* g = query_gradients + s * v.queries;
        for (int64_t j = 0; j < v.queries; ++j) grad_dots[j * stride] += weight * g[j];
        // These are the parts of |F|^2 = sum_ab w_a w_b <f_a, f_b> whose products are stored at this cell.
        const T norm = norm_gradients[s];
        grad_gram[0] += norm * weight * weight;
        const bool is_upper = row.lower == y, is_left = col.lower == x;
        const T ny = is_upper ? static_cast<T>(row.next_weight) : T(0),
                nx = is_left ? static_cast<T>(col.next_weight) : T(0);
        grad_gram[stride] += 2 * norm * weight * wy * nx;
        grad_gram[2 * stride] += 2 * norm * weight * wx * ny;
        const T all = 2 * norm * weight * ny * nx;
        grad_gram[3 * stride] += all;
        grad_gram[4 * stride] += all;
      }
  }
}

// --- Kernels (common/ops/launch.h) ---

// Returns the box that sample s belongs to.
template <class T>
BOXSEG_HD int64_t box_of_sample(const View<T>& v, int64_t s) {
  int64_t low = 0, high = v.boxes_count - 1;
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (v.boxes[middle].sample <= s)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

// Writes out[index] of out [N,J,h*w]: 1 where the cell is one of the query's background cells, else 0.
template <class T>
BOXSEG_HD void member_of_query(int64_t index, const View<T>& v, const Grid& grid, const uint8_t* mask, T* out) {
  const int64_t area = v.h * v.w, cell = index % area, j = index / area % v.queries, n = index / area / v.queries;
  const bool is_member = mask[n * area + cell] != 0 && grid.query_of(cell / v.w, cell % v.w) == j;
  out[index] = is_member ? T(1) : T(0);
}

// Writes out[s], the attention of sample s; out: [S].
template <class T>
BOXSEG_HD void attention_of_sample(int64_t s, const View<T>& v, T* out) {
  const Box& box = v.boxes[box_of_sample(v, s)];
  out[s] = foreground_attention(v, box, (s - box.sample) / box.cols, (s - box.sample) % box.cols);
}

// Writes out[index], the weight of a window; out: [R*K2].
template <class T>
BOXSEG_HD void weight_of_window(int64_t index, const View<T>& v, const T* attention, T* out) {
  const int64_t windows = v.roi * v.roi;
  out[index] = window_weight(v, attention, index / windows, index % windows);
}

// Writes matrix[index] of the pooling matrix [R*K2,h*w].
template <class T>
BOXSEG_HD void pooling_weight_of_cell(int64_t index, const View<T>& v, const T* attention, const T* window_weights,
                                      T* matrix) {
  const int64_t windows = v.roi * v.roi, area = v.h * v.w, row = index / area, cell = index % area;
  matrix[index] = pooling_weight(v, attention, window_weights, row / windows, row % windows, cell / v.w, cell % v.w);
}

// Writes what belongs to sample s of query_gradients [S,J] and norm_gradients [S].
template <class T>
BOXSEG_HD void gradients_of_sample(int64_t s, const View<T>& v, const T* window_weights, const T* grad_dots_at,
                                   const T* grad_self, T* query_gradients, T* norm_gradients) {
  const int64_t b = box_of_sample(v, s), in_box = s - v.boxes[b].sample, cols = v.boxes[b].cols;
  norm_gradients[s] = sample_gradients(v, window_weights, grad_dots_at, grad_self, b, in_box / cols, in_box % cols,
                                       query_gradients + s * v.queries);
}

// Adds to grad_dots [N,J,h,w] and grad_gram [N,5,h,w] what belongs to cell `index` of N*h*w.
template <class T>
BOXSEG_HD void map_gradients_of_cell(int64_t index, const View<T>& v, const T* query_gradients, const T* norm_gradients,
                                     T* grad_dots, T* grad_gram) {
  const int64_t area = v.h * v.w, n = index / area, cell = index % area;
  if (v.attending[n] == 0) return;
  cell_gradients(v, query_gradients, norm_gradients, n, cell / v.w, cell % v.w, area,
                 grad_dots + n * v.queries * area + cell, grad_gram + n * 5 * area + cell);
}

}  // namespace boxseg::bap
