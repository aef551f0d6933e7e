// Asks for memory that will be read soon, a little at a time between arithmetic: a core that works in its cache would
// leave its way to memory idle meanwhile.
#pragma once
#include <cstdint>

#include "common/simd/instruction_set.h"

namespace boxseg {

class ReadAhead {
 public:
  static constexpr int64_t kLine = 64;  // bytes of a cache line
  static constexpr int kTogether = 2;   // lines that one ask() fetches

  ReadAhead() = default;  // has nothing to ask for
  template <class T>
  ReadAhead(const T* from, int64_t count)
      : next_(reinterpret_cast<const char*>(from)), end_(reinterpret_cast<const char*>(from + count)) {}

  // Returns where `times` calls of ask() begin, one after another; they may go beyond the end, which does no harm.
  // Where nothing is left to ask for, it returns `near`, which is in the cache anyway.
  template <class T>
  const char* take(int64_t times, const T* near) {
    if (next_ >= end_) return reinterpret_cast<const char*>(near);
    const char* const begin = next_;
    next_ += times * kTogether * kLine;
    return begin;
  }
  static BOXSEG_INLINED void ask(const char*& at) {
    for (int i = 0; i < kTogether; ++i, at += kLine) __builtin_prefetch(at, 0, 2);
  }

 private:
  const char *next_ = nullptr, *end_ = nullptr;
};

}  // namespace boxseg
