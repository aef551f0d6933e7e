// Copies to memory that nobody reads soon. It goes past the caches, which saves reading what is overwritten.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#endif

namespace boxseg {

// The copy is visible to other threads when this returns.
inline void write_through(void* to, const void* from, int64_t bytes) {
#if defined(__AVX__)
  constexpr int64_t kBytes = sizeof(__m256i);
  auto* out = static_cast<char*>(to);
  const auto* in = static_cast<const char*>(from);
  const int64_t before = -reinterpret_cast<intptr_t>(out) & (kBytes - 1);
  int64_t at = before < bytes ? before : bytes;
  std::memcpy(out, in, static_cast<size_t>(at));
  for (; at + kBytes <= bytes; at += kBytes)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(out + at),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + at)));
  std::memcpy(out + at, in + at, static_cast<size_t>(bytes - at));
  _mm_sfence();
#else
  std::memcpy(to, from, static_cast<size_t>(bytes));
#endif
}

}  // namespace boxseg
