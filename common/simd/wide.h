// Handles 32 bytes of float or double at a time, or 64 with AVX-512 (common/simd/instruction_set.h), for g++ and clang;
// the same code takes single numbers, for ends of rows. Each operation rounds as its scalar one does.
#pragma once
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/simd/instruction_set.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // without AVX these are passed in another way, but by all code alike

// Stands before a loop over an array of sums. They stay in registers only if the loop vanishes, which compilers do on
// their own only for short ones.
#if defined(__clang__)
#define BOXSEG_UNROLL _Pragma("clang loop unroll(full)")
#else
#define BOXSEG_UNROLL _Pragma("GCC unroll 8")
#endif

namespace boxseg {

// Chooses a number, such as how many sums of vectors stay in registers: there are 16 of these, or 32 with AVX-512.
constexpr int if_wide(int bytes, int then, int otherwise) { return bytes == kWidestVectorBytes ? then : otherwise; }

template <class T, int lanes>
struct WideOf {
  typedef T type __attribute__((vector_size(lanes * sizeof(T))));
};
template <class T>
inline constexpr int64_t kWideLanes = kVectorBytes / sizeof(T);
template <class T, int lanes = kWideLanes<T>>
using Wide = typename WideOf<T, lanes>::type;

// V is Wide<T> or T.
template <class V, class T>
BOXSEG_INLINED V load_wide(const T* from) {
  V value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T, class V>
BOXSEG_INLINED void store_wide(T* to, const V& value) {
  std::memcpy(to, &value, sizeof value);
}
template <class V>
BOXSEG_INLINED V spread_wide(float x) {
  return x - V{};  // -0 too
}
template <class V>
BOXSEG_INLINED V larger(const V& a, const V& b) {
  return a > b ? a : b;
}
template <class V>
BOXSEG_INLINED V smaller(const V& a, const V& b) {
  return a < b ? a : b;
}

template <int bit, class V, int... lane>
BOXSEG_INLINED V exchanged(const V& v, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(v, v, (lane ^ bit)...);
}
// Every lane of floats exchanged with the one whose number differs by `bit`, a power of 2.
template <int bit, class V>
BOXSEG_INLINED V exchanged(const V& v) {
  return exchanged<bit>(v, std::make_integer_sequence<int, static_cast<int>(sizeof(V) / sizeof(float))>());
}

template <class V>
BOXSEG_INLINED V relu6_wide(V v) {  // of floats
  const V zero{}, six = 6.0f - zero;
  v = v > zero ? v : zero;
  return v < six ? v : six;
}

}  // namespace boxseg
