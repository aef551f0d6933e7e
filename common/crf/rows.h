// Rows of floats at the points and vertices of a lattice, and eight of its points at a time.
#pragma once
#include <cstdint>

#include "common/simd/wide.h"

namespace boxseg::crf {

using Float2 = Wide<float, 2>;
using Float4 = Wide<float, 4>;
using Float8 = Wide<float, 8>;
using Int8 = Wide<int32_t, 8>;
using Long8 = Wide<int64_t, 8>;
using Word8 = Wide<uint64_t, 8>;

// permutohedral_kernel.h asks these of its types; here are their vector forms. A comparison yields -1 where it holds.
inline Int8 one_if_less(Float8 a, Float8 b) { return -(a < b); }
inline Int8 one_if_less(Int8 a, Int8 b) { return -(a < b); }
inline Float8 keep_if_equal(Int8 a, Int8 b, Float8 value) { return (Float8)((a == b) & (Int8)value); }
inline Int8 to_integer(Float8 a) { return __builtin_convertvector(a, Int8); }
inline Float8 to_float(Int8 a) { return __builtin_convertvector(a, Float8); }
inline Word8 to_word(Int8 a) { return (Word8) __builtin_convertvector(a, Long8); }

// Holds neighbouring floats, as many as V has.
template <class V>
struct Row {
  static constexpr int kWidth = static_cast<int>(sizeof(V) / sizeof(float));
  V value;

  static Row zero() { return {V{}}; }
  static Row load(const float* p) {
    Row row;
    __builtin_memcpy(&row.value, p, sizeof(V));
    return row;
  }
  void store(float* p) const { __builtin_memcpy(p, &value, sizeof(V)); }
  void add_scaled(float factor, const Row& other) { value += other.value * factor; }
};

// Calls body(Row) with the row type of `width` floats: 1, 2, 4 or 8.
template <class Body>
void with_row_type(int width, const Body& body) {
  switch (width) {
    case 1:
      return body(Row<float>{});
    case 2:
      return body(Row<Float2>{});
    case 4:
      return body(Row<Float4>{});
    default:
      return body(Row<Float8>{});
  }
}

}  // namespace boxseg::crf
