#include "common/ops/pool_planes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "common/simd/read_ahead.h"
#include "common/simd/wide.h"
#include "common/simd/write_through.h"

namespace boxseg {
namespace {

constexpr int kNowhere = 0;

// Codes are as wide as the values, so that vectors of both have equally many.
template <class T, int lanes>
using Codes = Wide<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>, lanes>;

// Holds the largest values so far of some windows, and their codes.
template <class T, int lanes>
struct Largest {
  using Values = Wide<T, lanes>;
  Values value{};  // what is not above zero is never taken, which is ReLU
  Codes<T, lanes> code{}, is_spoiled{};

  // Takes another place of the windows; places must come in their codes' order.
  BOXSEG_INLINED void take(const Values& other, int other_code) {
    const Codes<T, lanes> if_larger = (other > value) & (Codes<T, lanes>{} + other_code);
    code = code > if_larger ? code : if_larger;
    value = other > value ? other : value;
    is_spoiled |= other != other;
  }
  BOXSEG_INLINED void write(T* out, uint8_t* codes) const {
    store_wide(out, is_spoiled ? Values{} + std::numeric_limits<T>::quiet_NaN() : value);
    store_wide(codes, __builtin_convertvector(code, Wide<uint8_t, lanes>));
  }
};

template <class V, class T, size_t... at>
BOXSEG_INLINED V load_every_second(const T* from, std::index_sequence<at...>) {
  return __builtin_shufflevector(load_wide<V>(from), load_wide<V>(from + sizeof...(at)), (2 * at)...);
}
template <int64_t stride, int lanes, class T>
BOXSEG_INLINED Wide<T, lanes> load_strided(const T* from) {
  if constexpr (stride == 1)
    return load_wide<Wide<T, lanes>>(from);
  else
    return load_every_second<Wide<T, lanes>>(from, std::make_index_sequence<lanes>());
}

// Points to the rows that a row of windows covers; nullptr stands for one beyond the plane.
template <class T>
using Rows = std::array<const T*, kPoolWindow>;

// Pools windows begin .. end - 1, whose columns may lie beyond the rows.
template <int64_t stride, class T>
void pool_one_by_one(const Rows<T>& rows, int64_t w, int64_t begin, int64_t end, T* out, uint8_t* codes) {
  for (int64_t x = begin; x < end; ++x) {
    Largest<T, 1> largest;
    for (int r = 0; r < kPoolWindow; ++r)
      for (int c = 0; c < kPoolWindow; ++c)
        if (const int64_t at = stride * x - 1 + c; rows[r] != nullptr && at >= 0 && at < w)
          largest.take(load_wide<Wide<T, 1>>(rows[r] + at), pool_code(r, c));
    largest.write(out + x, codes + x);
  }
}

// Pools `lanes` windows from x on, whose columns all lie within the rows.
template <int64_t stride, int lanes, class T>
BOXSEG_INLINED void pool_together(const Rows<T>& rows, int64_t x, T* out, uint8_t* codes) {
  Largest<T, lanes> largest;
  for (int r = 0; r < kPoolWindow; ++r)
    if (rows[r] != nullptr)
      for (int c = 0; c < kPoolWindow; ++c)
        largest.take(load_strided<stride, lanes>(rows[r] + stride * x - 1 + c), pool_code(r, c));
  largest.write(out + x, codes + x);
}

template <int64_t stride, int bytes, class T>
BOXSEG_INLINED void pool_plane(PoolSize size, const T* in, T* out, uint8_t* codes) {
  constexpr int kLanes = bytes / sizeof(T);
  // This is in bytes; without asking ahead, three rows at a time are read half as fast.
  constexpr int64_t kAhead = 1 << 14;
  constexpr int64_t kNewBytes = bytes * stride * stride;  // bytes that no earlier vector of outputs has read
  const int64_t out_w = size.out_w(), last = out_w - 1;
  for (int64_t y = 0; y < size.out_h(); ++y, out += out_w, codes += out_w) {
    Rows<T> rows;
    for (int64_t r = 0; r < kPoolWindow; ++r) {
      const int64_t at = stride * y - 1 + r;
      rows[r] = at < 0 || at >= size.h ? nullptr : in + at * size.w;
    }
    if (last - 1 < kLanes) {
      pool_one_by_one<stride>(rows, size.w, 0, out_w, out, codes);
      continue;
    }
    const auto* soon = reinterpret_cast<const char*>(in + stride * y * size.w) + kAhead;
    pool_one_by_one<stride>(rows, size.w, 0, 1, out, codes);
    for (int64_t x = 1; x < last; x += kLanes) {  // the last vector may overlap with the one before it
      for (int64_t i = 0; i < kNewBytes; i += ReadAhead::kLine, soon += ReadAhead::kLine)
        __builtin_prefetch(soon, 0, 2);
      pool_together<stride, kLanes>(rows, std::min(x, last - kLanes), out, codes);
    }
    pool_one_by_one<stride>(rows, size.w, last, out_w, out, codes);
  }
}

// Windows that begin in the last row or column may have their centre one further. Having no code, they add zero there.
int64_t margin_of(PoolSize size) { return size.rounds_up ? size.w + 1 : 0; }

template <class T>
void unpool_plane(PoolSize size, const T* grad_out, const uint8_t* codes, T* grad_in) {
  std::fill_n(grad_in, size.area() + margin_of(size), T(0));
  int64_t offset[1 + kPoolWindow * kPoolWindow] = {};
  for (int r = 0; r < kPoolWindow; ++r)
    for (int c = 0; c < kPoolWindow; ++c) offset[pool_code(r, c)] = (r - 1) * size.w + c - 1;
  for (int64_t y = 0; y < size.out_h(); ++y) {
    T* const to = grad_in + y * size.stride * size.w;
    for (int64_t x = 0; x < size.out_w(); ++x, ++grad_out, ++codes)
      to[x * size.stride + offset[*codes]] += *codes == kNowhere ? T(0) : *grad_out;
  }
}

}  // namespace

template <class T>
void max_pool_planes(PoolSize size, int64_t count, const T* in, T* out, uint8_t* codes, InstructionSet instructions) {
  with_vectors(instructions, [&]<int bytes>() BOXSEG_ALWAYS_INLINE {
    for (int64_t p = 0; p < count; ++p, in += size.area(), out += size.out_area(), codes += size.out_area())
      if (size.stride == 1)
        pool_plane<1, bytes>(size, in, out, codes);
      else
        pool_plane<2, bytes>(size, in, out, codes);
  });
}

template <class T>
void max_unpool_planes(PoolSize size, int64_t count, const T* grad_out, const uint8_t* codes, T* grad_in) {
  const auto plane = std::make_unique_for_overwrite<T[]>(static_cast<size_t>(size.area() + margin_of(size)));
  for (int64_t p = 0; p < count; ++p) {
    unpool_plane(size, grad_out + p * size.out_area(), codes + p * size.out_area(), plane.get());
    write_through(grad_in + p * size.area(), plane.get(), size.area() * static_cast<int64_t>(sizeof(T)));
  }
}

template void max_pool_planes(PoolSize, int64_t, const float*, float*, uint8_t*, InstructionSet);
template void max_pool_planes(PoolSize, int64_t, const double*, double*, uint8_t*, InstructionSet);
template void max_unpool_planes(PoolSize, int64_t, const float*, const uint8_t*, float*);
template void max_unpool_planes(PoolSize, int64_t, const double*, const uint8_t*, double*);

}  // namespace boxseg
