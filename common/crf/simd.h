// Short vectors of floats by the compilers' vector extensions; each operation rounds as its scalar one does.
#pragma once
#include <cstdint>

namespace boxseg::crf {

typedef float Float2 __attribute__((vector_size(8)));
typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));

// W neighbouring floats as G vectors of type V.
template <class V, int G>
struct Row {
  static constexpr int kWidth = static_cast<int>(sizeof(V) / sizeof(float)) * G;
  V part[G];

  static Row zero() {
    Row row;
    for (int g = 0; g < G; ++g) row.part[g] = V{};
    return row;
  }
  static Row load(const float* p) {
    Row row;
    for (int g = 0; g < G; ++g) __builtin_memcpy(&row.part[g], p + g * (kWidth / G), sizeof(V));
    return row;
  }
  void store(float* p) const {
    for (int g = 0; g < G; ++g) __builtin_memcpy(p + g * (kWidth / G), &part[g], sizeof(V));
  }
  void add_scaled(float factor, const Row& other) {
    for (int g = 0; g < G; ++g) part[g] += other.part[g] * factor;
  }
};

// Calls body(Row type) for the narrowest row that holds `width` floats, at most kMaxWidth.
inline constexpr int kMaxWidth = 16;
constexpr int padded_width(int64_t width) {
  return width <= 1 ? 1 : width <= 2 ? 2 : width <= 4 ? 4 : width <= 8 ? 8 : width <= 12 ? 12 : 16;
}
template <class Body>
void with_row_type(int padded, const Body& body) {
  switch (padded) {
    case 1: return body(Row<float, 1>{});
    case 2: return body(Row<Float2, 1>{});
    case 4: return body(Row<Float4, 1>{});
    case 8: return body(Row<Float8, 1>{});
    case 12: return body(Row<Float4, 3>{});
    default: return body(Row<Float8, 2>{});
  }
}

}  // namespace boxseg::crf
