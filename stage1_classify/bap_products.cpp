#include "stage1_classify/bap_products.h"

#include <algorithm>
#include <cstring>

#if defined(__clang__)
#pragma clang fp contract(fast)  // multiplications and additions in one instruction; these sums have no golden bits
#endif

namespace boxseg::bap {
namespace {

template <class T>
struct Vector {
  typedef T type __attribute__((vector_size(32)));
  static constexpr int64_t kLanes = 32 / sizeof(T);
};

// A vector of V numbers of T or, past the last block, a single one.
template <class V, class T>
V load(const T* from) {
  V value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class V, class T>
void store(T* to, const V& value) {
  std::memcpy(to, &value, sizeof value);
}
template <class T, class V>
T sum_of(const V& value) {
  T lanes[sizeof(V) / sizeof(T)], sum = 0;
  std::memcpy(lanes, &value, sizeof value);
  for (const T lane : lanes) sum += lane;
  return sum;
}

// Calls body.template operator()<V, Count>(cell) for `Count` vectors V of a run, then single ones, then single cells.
template <class T, int Count, class Body>
void for_vectors(const CellRuns& cells, const Body& body) {
  using V = typename Vector<T>::type;
  constexpr int64_t kLanes = Vector<T>::kLanes;
  for (const auto& run : cells.runs) {
    int64_t cell = run.begin;
    for (; cell + Count * kLanes <= run.end; cell += Count * kLanes) body.template operator()<V, Count>(cell);
    for (; cell + kLanes <= run.end; cell += kLanes) body.template operator()<V, 1>(cell);
    for (; cell < run.end; ++cell) body.template operator()<T, 1>(cell);
  }
}

constexpr int64_t kChannelBlock =
    128;                        // whose sums are kept in T before they are added up: a bound on the rounding error
constexpr int64_t kAhead = 12;  // channels; the hardware does not foresee steps of a whole map

template <int Rows, class T>
void products_of_rows(const T* a, int64_t stride, const T* f, int64_t count, int64_t area, const CellRuns& cells,
                      bool adds, T* out) {
  for_vectors<T, 2>(cells, [&]<class V, int Count>(int64_t cell) {
    V sums[Rows][Count] = {};
    const T* at = f + cell;
    for (int64_t c = 0; c < count; ++c, at += area) {
      __builtin_prefetch(at + kAhead * area);
      V values[Count];
      for (int i = 0; i < Count; ++i) values[i] = load<V>(at + i * static_cast<int64_t>(sizeof(V) / sizeof(T)));
      for (int r = 0; r < Rows; ++r)
        for (int i = 0; i < Count; ++i) sums[r][i] += values[i] * a[r * stride + c];
    }
    for (int r = 0; r < Rows; ++r)
      for (int i = 0; i < Count; ++i) {
        T* to = out + r * area + cell + i * static_cast<int64_t>(sizeof(V) / sizeof(T));
        store(to, adds ? load<V>(to) + sums[r][i] : sums[r][i]);
      }
  });
}

template <int Rows, int Channels, class T>
void products_of_channels(const T* g, const T* f, int64_t area, const CellRuns& cells, T* out, int64_t stride) {
  typename Vector<T>::type sums[Rows][Channels] = {};
  T single[Rows][Channels] = {};
  for_vectors<T, 1>(cells, [&]<class V, int>(int64_t cell) {
    V values[Channels];
    for (int c = 0; c < Channels; ++c) values[c] = load<V>(f + c * area + cell);
    for (int r = 0; r < Rows; ++r) {
      const V factor = load<V>(g + r * area + cell);
      for (int c = 0; c < Channels; ++c)
        if constexpr (sizeof(V) > sizeof(T))
          sums[r][c] += values[c] * factor;
        else
          single[r][c] += values[c] * factor;
    }
  });
  for (int r = 0; r < Rows; ++r)
    for (int c = 0; c < Channels; ++c) out[r * stride + c] = sum_of<T>(sums[r][c]) + single[r][c];
}

template <int Channels, class T>
void add_outer_of(const T* a, const T* m, int64_t rows, int64_t stride, int64_t area, const CellRuns& cells, T* out) {
  for_vectors<T, 2>(cells, [&]<class V, int Count>(int64_t cell) {
    constexpr int64_t kStep = sizeof(V) / sizeof(T);
    V sums[Channels][Count];
    for (int c = 0; c < Channels; ++c)
      for (int i = 0; i < Count; ++i) sums[c][i] = load<V>(out + c * area + cell + i * kStep);
    for (int64_t r = 0; r < rows; ++r) {
      V values[Count];
      for (int i = 0; i < Count; ++i) values[i] = load<V>(m + r * area + cell + i * kStep);
      for (int c = 0; c < Channels; ++c)
        for (int i = 0; i < Count; ++i) sums[c][i] += values[i] * a[r * stride + c];
    }
    for (int c = 0; c < Channels; ++c)
      for (int i = 0; i < Count; ++i) store(out + c * area + cell + i * kStep, sums[c][i]);
  });
}

// Of the padded map's grid: columns or rows of cells that a query's cell takes up, clipped to the map.
struct Span {
  int64_t begin, end;
};
Span grid_span(int64_t index, int64_t cell_size, int64_t pad, int64_t size) {
  return {std::clamp<int64_t>(index * cell_size - pad, 0, size),
          std::clamp<int64_t>((index + 1) * cell_size - pad, 0, size)};
}

// The background mask of an image as numbers, [h,w] and a vector beyond.
template <class T>
std::vector<T> mask_of(const BapPlan& plan, int64_t image) {
  const uint8_t* from = plan.small_mask.data() + image * plan.h * plan.w;
  std::vector<T> mask(from, from + plan.h * plan.w);
  mask.resize(mask.size() + Vector<T>::kLanes, T(0));
  return mask;
}

}  // namespace

CellRuns cells_of_boxes(const BapPlan& plan, int64_t begin, int64_t end) {
  constexpr int64_t kLanes = 8;
  const int64_t area = plan.h * plan.w, blocks = (area + kLanes - 1) / kLanes;
  std::vector<uint8_t> is_touched(static_cast<size_t>(blocks), 0);
  for (int64_t b = begin; b < end; ++b) {
    const Box& box = plan.boxes[static_cast<size_t>(b)];
    const auto touched = [&](int32_t table, int64_t size) {  // the first and last cell along an axis that has samples
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
void sum_members(const BapPlan& plan, int64_t image, const T* f, int64_t channels, T* out) {
  using V = typename Vector<T>::type;
  constexpr int64_t kLanes = Vector<T>::kLanes;
  const int64_t w = plan.w, area = plan.h * w, grid = plan.grid;
  const std::vector<T> mask = mask_of<T>(plan, image);
  std::vector<T> columns(static_cast<size_t>(w + kLanes));
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t gy = 0; gy < grid; ++gy) {
      const Span rows = grid_span(gy, plan.cell_h, plan.pad_top, plan.h);
      std::fill(columns.begin(), columns.end(), T(0));
      for (int64_t y = rows.begin; y < rows.end; ++y) {
        const T* row = f + c * area + y * w;
        const T* weight = mask.data() + y * w;
        // A vector may look beyond the end of its row, but not beyond the map.
        const int64_t vectors_end = y + 1 < plan.h ? std::min(w + kLanes - 1, area - y * w) : w;
        int64_t x = 0;
        for (; x + kLanes <= vectors_end; x += kLanes)
          store(columns.data() + x, load<V>(columns.data() + x) + load<V>(row + x) * load<V>(weight + x));
        for (; x < w; ++x) columns[static_cast<size_t>(x)] += row[x] * weight[x];
      }
      for (int64_t gx = 0; gx < grid; ++gx) {
        const Span cols = grid_span(gx, plan.cell_w, plan.pad_left, w);
        T sum = 0;
        for (int64_t x = cols.begin; x < cols.end; ++x) sum += columns[static_cast<size_t>(x)];
        out[(gy * grid + gx) * channels + c] = sum;
      }
    }
}

template <class T>
void spread_members(const BapPlan& plan, int64_t image, const T* grad, int64_t channels, int64_t first, int64_t last,
                    T* out) {
  using V = typename Vector<T>::type;
  constexpr int64_t kLanes = Vector<T>::kLanes;
  const int64_t w = plan.w, area = plan.h * w, grid = plan.grid;
  const std::vector<T> mask = mask_of<T>(plan, image);
  std::vector<T> columns(static_cast<size_t>(w + kLanes), T(0));
  for (int64_t c = first; c < last; ++c)
    for (int64_t gy = 0; gy < grid; ++gy) {
      for (int64_t gx = 0; gx < grid; ++gx) {
        const Span cols = grid_span(gx, plan.cell_w, plan.pad_left, w);
        std::fill(columns.begin() + cols.begin, columns.begin() + cols.end, grad[(gy * grid + gx) * channels + c]);
      }
      const Span rows = grid_span(gy, plan.cell_h, plan.pad_top, plan.h);
      for (int64_t y = rows.begin; y < rows.end; ++y) {
        T* row = out + c * area + y * w;
        const T* weight = mask.data() + y * w;
        // What a vector writes beyond the end of its row is written again with the next; not beyond the map.
        const int64_t vectors_end = y + 1 < plan.h ? std::min(w + kLanes - 1, area - y * w) : w;
        int64_t x = 0;
        for (; x + kLanes <= vectors_end; x += kLanes)
          store(row + x, load<V>(columns.data() + x) * load<V>(weight + x));
        for (; x < w; ++x) row[x] = columns[static_cast<size_t>(x)] * weight[x];
      }
    }
}

template <class T>
void products_at_cells(const T* a, int64_t rows, const T* f, int64_t channels, int64_t area, const CellRuns& cells,
                       T* out) {
  for (int64_t c = 0; c < channels; c += kChannelBlock) {
    const int64_t count = std::min(kChannelBlock, channels - c);
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
      products_of_rows<4>(a + r * channels + c, channels, f + c * area, count, area, cells, c > 0, out + r * area);
    for (; r < rows; ++r)
      products_of_rows<1>(a + r * channels + c, channels, f + c * area, count, area, cells, c > 0, out + r * area);
  }
}

template <class T>
void products_at_channels(const T* g, int64_t rows, const T* f, int64_t channels, int64_t area, const CellRuns& cells,
                          T* out) {
  int64_t c = 0;
  const auto all_rows = [&]<int Channels>() {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
      products_of_channels<4, Channels>(g + r * area, f + c * area, area, cells, out + r * channels + c, channels);
    for (; r < rows; ++r)
      products_of_channels<1, Channels>(g + r * area, f + c * area, area, cells, out + r * channels + c, channels);
  };
  for (; c + 2 <= channels; c += 2) all_rows.template operator()<2>();
  if (c < channels) all_rows.template operator()<1>();
}

template <class T>
void add_outer_products(const T* a, const T* m, int64_t rows, int64_t channels, int64_t area, const CellRuns& cells,
                        int64_t first, int64_t last, T* out) {
  int64_t c = first;
  for (; c + 4 <= last; c += 4) add_outer_of<4>(a + c, m, rows, channels, area, cells, out + c * area);
  for (; c < last; ++c) add_outer_of<1>(a + c, m, rows, channels, area, cells, out + c * area);
}

#define BOXSEG_BAP_PRODUCTS(T)                                                                                       \
  template void sum_members(const BapPlan&, int64_t, const T*, int64_t, T*);                                         \
  template void spread_members(const BapPlan&, int64_t, const T*, int64_t, int64_t, int64_t, T*);                    \
  template void products_at_cells(const T*, int64_t, const T*, int64_t, int64_t, const CellRuns&, T*);               \
  template void products_at_channels(const T*, int64_t, const T*, int64_t, int64_t, const CellRuns&, T*);            \
  template void add_outer_products(const T*, const T*, int64_t, int64_t, int64_t, const CellRuns&, int64_t, int64_t, \
                                   T*);
BOXSEG_BAP_PRODUCTS(float)
BOXSEG_BAP_PRODUCTS(double)

}  // namespace boxseg::bap
