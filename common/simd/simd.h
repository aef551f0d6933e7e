// Defines short vectors of floats by the compilers' vector extensions; each operation rounds as its scalar one does.
#pragma once
#include <cstdint>

#pragma GCC diagnostic ignored "-Wpsabi"  // wide vectors are passed between inlined functions only

namespace boxseg::crf {

typedef float Float2 __attribute__((vector_size(8)));
typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));
typedef int32_t Int8 __attribute__((vector_size(32)));
typedef int64_t Long8 __attribute__((vector_size(64)));
typedef uint64_t Word8 __attribute__((vector_size(64)));

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
