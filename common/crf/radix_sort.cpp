#include "common/crf/radix_sort.h"

namespace boxseg::crf {

uint64_t* radix_sort(uint64_t* words, uint64_t* other, int64_t count, int first_bit, int end_bit) {
  const int bits = end_bit - first_bit;
  if (bits == 0 || count < 2) return words;
  const int passes = (bits + kMostDigitBits - 1) / kMostDigitBits;
  const int digit_bits = (bits + passes - 1) / passes;
  const uint64_t digits = uint64_t{1} << digit_bits;
  std::vector<uint32_t> begins(static_cast<size_t>(passes) * digits);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t rest = words[i] >> first_bit;
    for (int pass = 0; pass < passes; ++pass, rest >>= digit_bits)
      ++begins[static_cast<size_t>(pass) * digits + (rest & (digits - 1))];
  }
  for (int pass = 0; pass < passes; ++pass) {
    uint32_t* begin = begins.data() + static_cast<size_t>(pass) * digits;
    uint32_t total = 0;
    for (uint64_t d = 0; d < digits; ++d) total += std::exchange(begin[d], total);
    const int shift = first_bit + pass * digit_bits;
    for (int64_t i = 0; i < count; ++i) other[begin[(words[i] >> shift) & (digits - 1)]++] = words[i];
    std::swap(words, other);
  }
  return words;
}

}  // namespace boxseg::crf
