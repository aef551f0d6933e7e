#include "common/nn/map_products.h"

#include <algorithm>
#include <cstring>

#include "common/nn/groups.h"
#include "common/nn/wide.h"

BOXSEG_FUSE_PRODUCTS

namespace boxseg {
namespace {

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
  using V = Wide<T>;
  for (const auto& run : cells.runs) {
    int64_t cell = run.begin;
    for (; cell + Count * kWideLanes<T> <= run.end; cell += Count * kWideLanes<T>)
      body.template operator()<V, Count>(cell);
    for (; cell + kWideLanes<T> <= run.end; cell += kWideLanes<T>) body.template operator()<V, 1>(cell);
    for (; cell < run.end; ++cell) body.template operator()<T, 1>(cell);
  }
}

constexpr int64_t kChannelBlock = 128;  // whose sums are kept in T before they are added up: a bound on the rounding
                                        // error; and whose features stay in the cache for all rows
constexpr int64_t kAhead = 12;          // channels; the hardware does not foresee steps of a whole map

// sums[r][i] over `count` channels at Count vectors; a, f, out at their first row, channel and cell.
template <class V, int Rows, int Count, class T>
void products_of_rows(const T* a, int64_t stride, const T* f, int64_t count, int64_t area, bool adds, T* out) {
  constexpr int64_t kStep = sizeof(V) / sizeof(T);
  V sums[Rows][Count] = {};
  for (int64_t c = 0; c < count; ++c, f += area) {
    __builtin_prefetch(f + kAhead * area);
    V values[Count];
    for (int i = 0; i < Count; ++i) values[i] = load_wide<V>(f + i * kStep);
    for (int r = 0; r < Rows; ++r)
      for (int i = 0; i < Count; ++i) sums[r][i] += values[i] * a[r * stride + c];
  }
  for (int r = 0; r < Rows; ++r)
    for (int i = 0; i < Count; ++i) {
      T* to = out + r * area + i * kStep;
      store_wide(to, adds ? load_wide<V>(to) + sums[r][i] : sums[r][i]);
    }
}

template <int Rows, int Channels, class T>
void products_of_channels(const T* g, const T* f, int64_t area, const CellRuns& cells, T* out, int64_t stride) {
  Wide<T> sums[Rows][Channels] = {};
  T single[Rows][Channels] = {};
  for_vectors<T, 1>(cells, [&]<class V, int>(int64_t cell) {
    V values[Channels];
    for (int c = 0; c < Channels; ++c) values[c] = load_wide<V>(f + c * area + cell);
    for (int r = 0; r < Rows; ++r) {
      const V factor = load_wide<V>(g + r * area + cell);
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
      for (int i = 0; i < Count; ++i) sums[c][i] = load_wide<V>(out + c * area + cell + i * kStep);
    for (int64_t r = 0; r < rows; ++r) {
      V values[Count];
      for (int i = 0; i < Count; ++i) values[i] = load_wide<V>(m + r * area + cell + i * kStep);
      for (int c = 0; c < Channels; ++c)
        for (int i = 0; i < Count; ++i) sums[c][i] += values[i] * a[r * stride + c];
    }
    for (int c = 0; c < Channels; ++c)
      for (int i = 0; i < Count; ++i) store_wide(out + c * area + cell + i * kStep, sums[c][i]);
  });
}

}  // namespace

template <class T>
void products_at_cells(const T* a, int64_t rows, const T* f, int64_t channels, int64_t area, const CellRuns& cells,
                       T* out) {
  for_vectors<T, 2>(cells, [&]<class V, int Count>(int64_t cell) {
    for (int64_t c = 0; c < channels; c += kChannelBlock)
      in_groups<6>(rows, [&]<int Rows>(int64_t r) {
        products_of_rows<V, Rows, Count>(a + r * channels + c, channels, f + c * area + cell,
                                         std::min(kChannelBlock, channels - c), area, c > 0, out + r * area + cell);
      });
  });
}

template <class T>
void products_at_channels(const T* g, int64_t rows, const T* f, int64_t channels, int64_t area, const CellRuns& cells,
                          T* out) {
  in_groups<3>(channels, [&]<int Channels>(int64_t c) {
    in_groups<4>(rows, [&]<int Rows>(int64_t r) {
      products_of_channels<Rows, Channels>(g + r * area, f + c * area, area, cells, out + r * channels + c, channels);
    });
  });
}

template <class T>
void add_outer_products(const T* a, const T* m, int64_t rows, int64_t channels, int64_t area, const CellRuns& cells,
                        int64_t first, int64_t last, T* out) {
  in_groups<6>(last - first, [&]<int Channels>(int64_t i) {
    add_outer_of<Channels>(a + first + i, m, rows, channels, area, cells, out + (first + i) * area);
  });
}

#define BOXSEG_MAP_PRODUCTS(T)                                                                                       \
  template void products_at_cells(const T*, int64_t, const T*, int64_t, int64_t, const CellRuns&, T*);               \
  template void products_at_channels(const T*, int64_t, const T*, int64_t, int64_t, const CellRuns&, T*);            \
  template void add_outer_products(const T*, const T*, int64_t, int64_t, int64_t, const CellRuns&, int64_t, int64_t, \
                                   T*);
BOXSEG_MAP_PRODUCTS(float)
BOXSEG_MAP_PRODUCTS(double)

}  // namespace boxseg
