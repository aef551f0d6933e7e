// Computes with several floats at a time, by the compilers' vector extensions; each operation rounds as its scalar one
// does. Everything is inlined, so that the same code serves functions for different instruction sets
// (common/simd/instruction_set.h).
#pragma once
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/simd/instruction_set.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // all functions here are inlined, so no vector is passed in a call

namespace boxseg::crf {

template <int lanes>
struct Floats {
  typedef float Vector __attribute__((vector_size(4 * lanes)));
  typedef int32_t Words __attribute__((vector_size(4 * lanes)));
  Vector value;

  static BOXSEG_INLINED Floats of(const Vector& value) { return {value}; }
  static BOXSEG_INLINED Floats spread(float x) { return of(x - Vector{}); }  // keeps -0, too
  static BOXSEG_INLINED Floats load(const float* from) {
    Floats f;
    std::memcpy(&f.value, from, sizeof f.value);
    return f;
  }
  BOXSEG_INLINED void store(float* to) const { std::memcpy(to, &value, sizeof value); }
  BOXSEG_INLINED Words bits() const { return (Words)value; }

  friend BOXSEG_INLINED Floats operator+(const Floats& a, const Floats& b) { return of(a.value + b.value); }
  friend BOXSEG_INLINED Floats operator-(const Floats& a, const Floats& b) { return of(a.value - b.value); }
  friend BOXSEG_INLINED Floats operator*(const Floats& a, const Floats& b) { return of(a.value * b.value); }
  friend BOXSEG_INLINED Floats operator/(const Floats& a, const Floats& b) { return of(a.value / b.value); }
  friend BOXSEG_INLINED Floats operator+(const Floats& a, float b) { return of(a.value + b); }
  friend BOXSEG_INLINED Floats operator-(const Floats& a, float b) { return of(a.value - b); }
  friend BOXSEG_INLINED Floats operator*(const Floats& a, float b) { return of(a.value * b); }
  friend BOXSEG_INLINED Floats larger(const Floats& a, const Floats& b) {
    return of(a.value > b.value ? a.value : b.value);
  }
  friend BOXSEG_INLINED Floats smaller(const Floats& a, const Floats& b) {
    return of(a.value < b.value ? a.value : b.value);
  }
  // Keeps `value` where x is at least `least`, and gives 0 elsewhere.
  friend BOXSEG_INLINED Floats where_at_least(float least, const Floats& x, const Floats& value) {
    return of(x.value < least ? Vector{} : value.value);
  }

  // Exchanges every lane with the one whose number differs by `bit`, a power of 2.
  template <int bit>
  BOXSEG_INLINED Floats exchanged() const {
    return exchanged<bit>(std::make_integer_sequence<int, lanes>());
  }

 private:
  template <int bit, int... lane>
  BOXSEG_INLINED Floats exchanged(std::integer_sequence<int, lane...>) const {
    return of(__builtin_shufflevector(value, value, (lane ^ bit)...));
  }
};

}  // namespace boxseg::crf
