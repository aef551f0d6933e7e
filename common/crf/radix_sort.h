// Sorts words by some of their bits.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace boxseg::crf {

// More digits mean more places to write to at a time, which is slow.
constexpr int kMostDigitBits = 11;

// Sorts words by their bits first_bit .. end_bit - 1, stably. `other` has as much memory. Returns the one of the two
// that holds the result.
uint64_t* radix_sort(uint64_t* words, uint64_t* other, int64_t count, int first_bit, int end_bit);

// Sorts the words word(0) .. word(count - 1) by these bits, stably, and hands them to body(sorted, size) in order, a
// bucket of their uppermost bits at a time. words, other: [count]; body may write into words up to those that it is
// handed. Of `other` no more than the largest bucket is touched.
template <class Word, class Body>
void sort_in_buckets(int64_t count, const Word& word, int first_bit, int end_bit, uint64_t* words, uint64_t* other,
                     const Body& body) {
  constexpr uint64_t kBucket = 4096;  // about so many words
  const int enough_bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(count) / kBucket));
  const int upper_bits = std::min({end_bit - first_bit, kMostDigitBits, enough_bits});
  // At 64 there are no upper bits, and the mask is 0.
  const int lower_end = end_bit - upper_bits, shift = std::min(lower_end, 63);
  const uint64_t mask = (uint64_t{1} << upper_bits) - 1;
  std::vector<int64_t> end(mask + 1);  // holds the beginnings first
  for (int64_t e = 0; e < count; ++e) ++end[word(e) >> shift & mask];
  int64_t total = 0;
  for (int64_t& bucket : end) total += std::exchange(bucket, total);
  for (int64_t e = 0; e < count; ++e) {
    const uint64_t w = word(e);
    words[end[w >> shift & mask]++] = w;
  }
  int64_t begin = 0;
  for (const int64_t bucket_end : end) {
    const uint64_t* const sorted = radix_sort(words + begin, other, bucket_end - begin, first_bit, lower_end);
    body(sorted, bucket_end - begin);
    begin = bucket_end;
  }
}

}  // namespace boxseg::crf
