#include "common/ops/map_products.h"

#include <algorithm>
#include <cstring>

#include "common/simd/groups.h"
#include "common/simd/wide.h"

BOXSEG_FUSE_PRODUCTS

namespace boxseg {
namespace {

template <class T, class V>
BOXSEG_INLINED T sum_of(const V& value) {
  if constexpr (sizeof(V) > kVectorBytes) {
    Wide<T> halves[2];
    std::memcpy(halves, &value, sizeof value);
    return sum_of<T>(halves[0] + halves[1]);
  } else {
    T lanes[sizeof(V) / sizeof(T)], sum = 0;
    std::memcpy(lanes, &value, sizeof value);
    for (const T lane : lanes) sum += lane;
    return sum;
  }
}

// Adds to sums[r][i] the products over `count` channels at Count vectors. `a` stands at its first row and channel, f
// and sums at the first cell of rows `length` long; `ahead` is asked for meanwhile.
template <int Rows, int Count, int lanes, class T>
BOXSEG_INLINED void add_products_of_rows(const T* a, int64_t stride, const T* f, int64_t count, int64_t length, T* sums,
                                         const char* ahead) {
  using V = Wide<T, lanes>;
  V total[Rows][Count] = {};
  for (int64_t c = 0; c < count; ++c, f += length) {
    ReadAhead::ask(ahead);
    V values[Count];
    BOXSEG_UNROLL
    for (int i = 0; i < Count; ++i) values[i] = load_wide<V>(f + i * lanes);
    BOXSEG_UNROLL
    for (int r = 0; r < Rows; ++r) BOXSEG_UNROLL
    for (int i = 0; i < Count; ++i) total[r][i] += values[i] * a[r * stride + c];
  }
  BOXSEG_UNROLL
  for (int r = 0; r < Rows; ++r) BOXSEG_UNROLL
  for (int i = 0; i < Count; ++i) {
    T* to = sums + r * length + i * lanes;
    store_wide(to, load_wide<V>(to) + total[r][i]);
  }
}

template <int Rows, int Channels, int lanes, class T>
BOXSEG_INLINED void products_of_channels(const T* g, const T* f, int64_t length, T* out, int64_t stride) {
  using V = Wide<T, lanes>;
  V sums[Rows][Channels] = {};
  for (int64_t i = 0; i < length; i += lanes) {
    V factors[Rows];
    BOXSEG_UNROLL
    for (int r = 0; r < Rows; ++r) factors[r] = load_wide<V>(g + r * length + i);
    BOXSEG_UNROLL
    for (int c = 0; c < Channels; ++c) {
      const V values = load_wide<V>(f + c * length + i);
      BOXSEG_UNROLL
      for (int r = 0; r < Rows; ++r) sums[r][c] += values * factors[r];
    }
  }
  BOXSEG_UNROLL
  for (int r = 0; r < Rows; ++r) BOXSEG_UNROLL
  for (int c = 0; c < Channels; ++c) out[r * stride + c] = sum_of<T>(sums[r][c]);
}

// Adds to `Count` vectors V of Channels rows of out the products over rows of m. `m` and `out` stand at the first cell.
template <int Channels, int Count, class V, class T>
BOXSEG_INLINED void add_outer_at(const T* a, const T* m, int64_t rows, int64_t stride, int64_t area, T* out,
                                 const char* ahead) {
  constexpr int64_t kStep = sizeof(V) / sizeof(T);
  V sums[Channels][Count];
  BOXSEG_UNROLL
  for (int c = 0; c < Channels; ++c) BOXSEG_UNROLL
  for (int i = 0; i < Count; ++i) sums[c][i] = load_wide<V>(out + c * area + i * kStep);
  for (int64_t r = 0; r < rows; ++r) {
    ReadAhead::ask(ahead);
    V values[Count];
    BOXSEG_UNROLL
    for (int i = 0; i < Count; ++i) values[i] = load_wide<V>(m + r * area + i * kStep);
    BOXSEG_UNROLL
    for (int c = 0; c < Channels; ++c) BOXSEG_UNROLL
    for (int i = 0; i < Count; ++i) sums[c][i] += values[i] * a[r * stride + c];
  }
  BOXSEG_UNROLL
  for (int c = 0; c < Channels; ++c) BOXSEG_UNROLL
  for (int i = 0; i < Count; ++i) store_wide(out + c * area + i * kStep, sums[c][i]);
}

// Does so for all cells: for pairs of vectors of a run, then for single ones, then for shorter ones and single cells.
template <int Channels, int lanes, class T>
BOXSEG_INLINED void add_outer_of(const T* a, const T* m, int64_t rows, int64_t stride, int64_t area,
                                 const CellRuns& cells, T* out, ReadAhead& ahead) {
  using V = Wide<T, lanes>;
  constexpr int64_t kFew = kWideLanes<T>;
  for (const auto& run : cells.runs) {
    int64_t at = run.begin;
    for (; at + 2 * lanes <= run.end; at += 2 * lanes)
      add_outer_at<Channels, 2, V>(a, m + at, rows, stride, area, out + at, ahead.take(rows, m + at));
    for (; at + lanes <= run.end; at += lanes)
      add_outer_at<Channels, 1, V>(a, m + at, rows, stride, area, out + at, ahead.take(rows, m + at));
    if constexpr (lanes > kFew)
      for (; at + kFew <= run.end; at += kFew)
        add_outer_at<Channels, 1, Wide<T>>(a, m + at, rows, stride, area, out + at, ahead.take(rows, m + at));
    for (; at < run.end; ++at)
      add_outer_at<Channels, 1, T>(a, m + at, rows, stride, area, out + at, ahead.take(rows, m + at));
  }
}

}  // namespace

template <class T>
PackedRows<T>::PackedRows(const CellRuns& cells, int64_t area, int64_t most_rows, InstructionSet instructions)
    : instructions_(instructions), cells_(cells), area_(area) {
  const int64_t lanes =
      (instructions == InstructionSet::kAvx512 ? kWidestVectorBytes : kVectorBytes) / int64_t{sizeof(T)};
  for (const auto& run : cells.runs) length_ += run.end - run.begin;
  length_ = (length_ + lanes - 1) / lanes * lanes;
  values_.resize(static_cast<size_t>(most_rows * length_));
}

template <class T>
void PackedRows<T>::pack(const T* from, int64_t rows) {
  // Runs are too short for the processor to see what follows, so it is asked for here. Asking for what lies beyond the
  // map does no harm.
  constexpr int64_t kRowsAhead = 4, kCacheLine = 64 / sizeof(T);
  for (int64_t r = 0; r < rows; ++r) {
    T* to = values_.data() + r * length_;
    for (const auto& run : cells_.runs) {
      const T *begin = from + r * area_ + run.begin, *end = from + r * area_ + run.end;
      for (const T* next = begin; next < end; next += kCacheLine) __builtin_prefetch(next + kRowsAhead * area_);
      // A call of std::copy() would cost as much as the few vectors of a run.
      for (; begin + kWideLanes<T> <= end; begin += kWideLanes<T>, to += kWideLanes<T>)
        store_wide(to, load_wide<Wide<T>>(begin));
      for (; begin < end; ++begin) *to++ = *begin;
    }
  }
}

// Sums of kChannelsTogether channels are kept in T before they are added up, which bounds the rounding error; their
// features stay in the cache for all rows.
template <class T>
CellProducts<T>::CellProducts(int64_t rows, const CellRuns& cells, int64_t area, InstructionSet instructions)
    : rows_(rows),
      features_(cells, area, kChannelsTogether, instructions),
      sums_(static_cast<size_t>(rows * features_.length())) {}

template <class T>
template <int bytes>
BOXSEG_INLINED void CellProducts<T>::add_with(const T* a, int64_t stride, const T* f, int64_t channels,
                                              ReadAhead& ahead) {
  constexpr int kLanes = bytes / sizeof(T);
  const int64_t length = features_.length();
  for (int64_t c = 0; c < channels; c += kChannelsTogether) {
    const int64_t count = std::min(kChannelsTogether, channels - c);
    features_.pack(f + c * features_.area(), count);
    int64_t cell = 0;
    for (; cell + 2 * kLanes <= length; cell += 2 * kLanes) add_at<bytes, 2>(a + c, stride, count, cell, ahead);
    if (cell < length) add_at<bytes, 1>(a + c, stride, count, cell, ahead);
  }
}

template <class T>
template <int bytes, int Count>
BOXSEG_INLINED void CellProducts<T>::add_at(const T* a, int64_t stride, int64_t count, int64_t cell, ReadAhead& ahead) {
  const int64_t length = features_.length();
  in_groups<if_wide(bytes, 8, 6)>(rows_, [&]<int Rows>(int64_t r) BOXSEG_ALWAYS_INLINE {
    add_products_of_rows<Rows, Count, bytes / sizeof(T)>(a + r * stride, stride, features_.row(0) + cell, count, length,
                                                         sums_.data() + r * length + cell,
                                                         ahead.take(count, features_.row(0)));
  });
}

template <class T>
void CellProducts<T>::add(const T* a, int64_t stride, const T* f, int64_t channels, ReadAhead ahead) {
  with_vectors(features_.instructions(),
               [&]<int bytes>() BOXSEG_ALWAYS_INLINE { add_with<bytes>(a, stride, f, channels, ahead); });
}

template <class T>
void CellProducts<T>::write(T* out) const {
  for (int64_t r = 0; r < rows_; ++r) {
    const T* from = sums_.data() + r * features_.length();
    for (const auto& run : features_.cells().runs) {
      std::copy_n(from, run.end - run.begin, out + r * features_.area() + run.begin);
      from += run.end - run.begin;
    }
  }
}

namespace {

constexpr int kTogether = 6;  // channels of products_at_channels()

// Computes the products of Channels packed rows of features with all rows of g, into columns `out` of its result.
template <int bytes, int Channels, class T>
BOXSEG_INLINED void products_of_packed(const PackedRows<T>& g, int64_t rows, const T* features, int64_t stride,
                                       T* out) {
  in_groups<if_wide(bytes, 4, 2)>(rows, [&]<int Rows>(int64_t r) BOXSEG_ALWAYS_INLINE {
    products_of_channels<Rows, Channels, bytes / sizeof(T)>(g.row(r), features, g.length(), out + r * stride, stride);
  });
}

template <int bytes, class T>
BOXSEG_INLINED void products_with(const PackedRows<T>& g, int64_t rows, const T* f, int64_t channels, int64_t first,
                                  int64_t last, PackedRows<T>& features, T* out) {
  in_groups<kTogether>(last - first, [&]<int Channels>(int64_t c) BOXSEG_ALWAYS_INLINE {
    features.pack(f + (first + c) * g.area(), Channels);
    products_of_packed<bytes, Channels>(g, rows, features.row(0), channels, out + first + c);
  });
}

template <int bytes, class T>
BOXSEG_INLINED void add_outer_with(const T* a, const T* m, int64_t rows, int64_t channels, int64_t area,
                                   const CellRuns& cells, int64_t count, T* out, ReadAhead& ahead) {
  in_groups<if_wide(bytes, 8, 6)>(count, [&]<int Channels>(int64_t i) BOXSEG_ALWAYS_INLINE {
    add_outer_of<Channels, bytes / sizeof(T)>(a + i, m, rows, channels, area, cells, out + i * area, ahead);
  });
}

}  // namespace

template <class T>
void products_at_channels(const PackedRows<T>& g, int64_t rows, const T* f, int64_t channels, int64_t first,
                          int64_t last, T* out) {
  PackedRows<T> features(g.cells(), g.area(), std::min<int64_t>(kTogether, last - first), g.instructions());
  with_vectors(g.instructions(), [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    products_with<bytes>(g, rows, f, channels, first, last, features, out);
  });
}

template <class T>
void add_outer_products(const T* a, const T* m, int64_t rows, int64_t channels, int64_t area, const CellRuns& cells,
                        int64_t first, int64_t last, T* out, ReadAhead ahead, InstructionSet instructions) {
  with_vectors(instructions, [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    add_outer_with<bytes>(a + first, m, rows, channels, area, cells, last - first, out, ahead);
  });
}

#define BOXSEG_MAP_PRODUCTS(T)                                                                                       \
  template class PackedRows<T>;                                                                                      \
  template class CellProducts<T>;                                                                                    \
  template void products_at_channels(const PackedRows<T>&, int64_t, const T*, int64_t, int64_t, int64_t, T*);        \
  template void add_outer_products(const T*, const T*, int64_t, int64_t, int64_t, const CellRuns&, int64_t, int64_t, \
                                   T*, ReadAhead, InstructionSet);
BOXSEG_MAP_PRODUCTS(float)
BOXSEG_MAP_PRODUCTS(double)

}  // namespace boxseg
