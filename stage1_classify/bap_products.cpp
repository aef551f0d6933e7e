#include "stage1_classify/bap_products.h"

#include <algorithm>

#include "common/simd/groups.h"
#include "common/simd/wide.h"

BOXSEG_FUSE_PRODUCTS

namespace boxseg::bap {
namespace {

// This is a range of the map's columns or rows that a cell of the padded map's grid takes up, clipped to the map.
struct Span {
  int64_t begin, end;
};
Span grid_span(int64_t index, int64_t cell_size, int64_t pad, int64_t size) {
  return {std::clamp<int64_t>(index * cell_size - pad, 0, size),
          std::clamp<int64_t>((index + 1) * cell_size - pad, 0, size)};
}

// Returns the background mask of an image as numbers, [h,w] and a vector beyond.
template <class T>
std::vector<T> mask_of(const BapPlan& plan, int64_t image) {
  const uint8_t* from = plan.small_mask.data() + image * plan.h * plan.w;
  std::vector<T> mask(from, from + plan.h * plan.w);
  mask.resize(mask.size() + kWidestVectorBytes / sizeof(T), T(0));
  return mask;
}

// Returns how many vectors cover a row of w cells.
int64_t vectors_of_row(int64_t w, int64_t lanes) { return (w + lanes - 1) / lanes; }
// Returns the row up to which the vectors of rows do not look beyond the map.
int64_t whole_rows_end(const Span& rows, int64_t h, int64_t w, int64_t lanes) {
  const int64_t last_start = h * w - vectors_of_row(w, lanes) * lanes;
  return std::clamp<int64_t>(last_start < 0 ? 0 : last_start / w + 1, rows.begin, rows.end);
}

// Sums the background cells of row gy of the grid, for some channels, which share the loads of the mask. f and out
// stand at the first channel; columns: work space of `Channels` rows, `pitch` long.
template <int Channels, int lanes, class T>
BOXSEG_INLINED void sum_grid_row(const BapPlan& plan, const std::vector<T>& mask, int64_t gy, const T* f,
                                 int64_t channels, T* columns, int64_t pitch, T* out) {
  using V = Wide<T, lanes>;
  const int64_t w = plan.w, area = plan.h * w, grid = plan.grid;
  const Span rows = grid_span(gy, plan.cell_h, plan.pad_top, plan.h);
  const int64_t whole_end = whole_rows_end(rows, plan.h, w, lanes);
  in_groups<6>(vectors_of_row(w, lanes), [&]<int Count>(int64_t vector) BOXSEG_ALWAYS_INLINE {
    const int64_t start = rows.begin * w + vector * lanes;
    const T *row = f + start, *weight = mask.data() + start;
    V sums[Channels][Count] = {};
    for (int64_t y = rows.begin; y < whole_end; ++y, row += w, weight += w) BOXSEG_UNROLL
    for (int i = 0; i < Count; ++i) {
      const V is_background = load_wide<V>(weight + i * lanes);
      BOXSEG_UNROLL
      for (int c = 0; c < Channels; ++c) sums[c][i] += load_wide<V>(row + c * area + i * lanes) * is_background;
    }
    BOXSEG_UNROLL
    for (int c = 0; c < Channels; ++c) BOXSEG_UNROLL
    for (int i = 0; i < Count; ++i) store_wide(columns + c * pitch + (vector + i) * lanes, sums[c][i]);
  });
  for (int64_t c = 0; c < Channels; ++c)
    for (int64_t y = whole_end; y < rows.end; ++y)
      for (int64_t x = 0; x < w; ++x)
        columns[c * pitch + x] += f[c * area + y * w + x] * mask[static_cast<size_t>(y * w + x)];
  for (int64_t gx = 0; gx < grid; ++gx) {
    const Span cols = grid_span(gx, plan.cell_w, plan.pad_left, w);
    T sums[Channels] = {};
    for (int64_t x = cols.begin; x < cols.end; ++x) BOXSEG_UNROLL
    for (int c = 0; c < Channels; ++c) sums[c] += columns[c * pitch + x];
    BOXSEG_UNROLL
    for (int c = 0; c < Channels; ++c) out[(gy * grid + gx) * channels + c] = sums[c];
  }
}

template <int lanes, class T>
BOXSEG_INLINED void sum_members_in(const BapPlan& plan, int64_t image, const T* f, int64_t channels, int64_t first,
                                   int64_t last, T* out) {
  constexpr int kMost = if_wide(lanes * sizeof(T), 4, 2);
  const std::vector<T> mask = mask_of<T>(plan, image);
  const int64_t pitch = plan.w + lanes;
  std::vector<T> columns(static_cast<size_t>(kMost * pitch));
  in_groups<kMost>(last - first, [&]<int Channels>(int64_t c) BOXSEG_ALWAYS_INLINE {
    for (int64_t gy = 0; gy < plan.grid; ++gy)
      sum_grid_row<Channels, lanes>(plan, mask, gy, f + (first + c) * plan.h * plan.w, channels, columns.data(), pitch,
                                    out + first + c);
  });
}

template <int lanes, class T>
BOXSEG_INLINED void spread_members_in(const BapPlan& plan, int64_t image, const T* grad, int64_t channels,
                                      int64_t first, int64_t last, T* out) {
  using V = Wide<T, lanes>;
  const int64_t w = plan.w, area = plan.h * w, grid = plan.grid;
  const std::vector<T> mask = mask_of<T>(plan, image);
  std::vector<T> columns(static_cast<size_t>(w + lanes), T(0));
  for (int64_t c = first; c < last; ++c)
    for (int64_t gy = 0; gy < grid; ++gy) {
      // What is written beyond the end is written again with the next.
      for (int64_t gx = 0; gx < grid; ++gx) {
        const Span cols = grid_span(gx, plan.cell_w, plan.pad_left, w);
        const V value = grad[(gy * grid + gx) * channels + c] - V{};
        for (int64_t x = cols.begin; x < cols.end; x += lanes) store_wide(columns.data() + x, value);
      }
      const Span rows = grid_span(gy, plan.cell_h, plan.pad_top, plan.h);
      const int64_t whole_end = whole_rows_end(rows, plan.h, w, lanes);
      T* row = out + (c - first) * area + rows.begin * w;
      const T* weight = mask.data() + rows.begin * w;
      // What a vector writes beyond the end of its row is written again with the next.
      for (int64_t y = rows.begin; y < whole_end; ++y, row += w, weight += w)
        in_groups<6>(vectors_of_row(w, lanes), [&]<int Count>(int64_t vector) BOXSEG_ALWAYS_INLINE {
          BOXSEG_UNROLL
          for (int i = 0; i < Count; ++i) {
            const int64_t x = (vector + i) * lanes;
            store_wide(row + x, load_wide<V>(columns.data() + x) * load_wide<V>(weight + x));
          }
        });
      for (int64_t y = whole_end; y < rows.end; ++y, row += w, weight += w)
        for (int64_t x = 0; x < w; ++x) row[x] = columns[static_cast<size_t>(x)] * weight[x];
    }
}

}  // namespace

CellRuns cells_of_boxes(const BapPlan& plan, int64_t begin, int64_t end) {
  constexpr int64_t kLanes = 8;
  const int64_t area = plan.h * plan.w, blocks = (area + kLanes - 1) / kLanes;
  std::vector<uint8_t> is_touched(static_cast<size_t>(blocks), 0);
  for (int64_t b = begin; b < end; ++b) {
    const Box& box = plan.boxes[static_cast<size_t>(b)];
    // Returns the first and last cell along an axis that has samples.
    const auto touched = [&](int32_t table, int64_t size) {
      Span span{size, 0};
      for (int64_t c = 0; c < size; ++c)
        if (const Window window = touching(plan.first.data() + table, c); window.begin < window.end)
          span = {std::min(span.begin, c), c + 1};
      return span;
    };
    const Span rows = touched(box.row_first, plan.h), cols = touched(box.col_first, plan.w);
    if (cols.begin >= cols.end) continue;
    for (int64_t y = rows.begin; y < rows.end; ++y)
      for (int64_t i = (y * plan.w + cols.begin) / kLanes; i <= (y * plan.w + cols.end - 1) / kLanes; ++i)
        is_touched[static_cast<size_t>(i)] = 1;
  }
  CellRuns cells;
  for (int64_t i = 0; i < blocks; ++i) {
    if (is_touched[static_cast<size_t>(i)] == 0) continue;
    if (cells.runs.empty() || cells.runs.back().end != i * kLanes) cells.runs.push_back({i * kLanes, i * kLanes});
    cells.runs.back().end = std::min((i + 1) * kLanes, area);
  }
  return cells;
}

template <class T>
void sum_members(const BapPlan& plan, int64_t image, const T* f, int64_t channels, int64_t first, int64_t last,
                 T* out) {
  with_vectors(instruction_set(), [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    sum_members_in<bytes / sizeof(T)>(plan, image, f, channels, first, last, out);
  });
}

template <class T>
void spread_members(const BapPlan& plan, int64_t image, const T* grad, int64_t channels, int64_t first, int64_t last,
                    T* out) {
  with_vectors(instruction_set(), [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    spread_members_in<bytes / sizeof(T)>(plan, image, grad, channels, first, last, out);
  });
}

#define BOXSEG_BAP_PRODUCTS(T)                                                                 \
  template void sum_members(const BapPlan&, int64_t, const T*, int64_t, int64_t, int64_t, T*); \
  template void spread_members(const BapPlan&, int64_t, const T*, int64_t, int64_t, int64_t, T*);
BOXSEG_BAP_PRODUCTS(float)
BOXSEG_BAP_PRODUCTS(double)

}  // namespace boxseg::bap
