// Sorting words by some of their bits.
#pragma once
#include <cstdint>

namespace boxseg::crf {

// Sorts words by their bits first_bit .. end_bit - 1, stably. other: as much memory. Returns the one of the two that
// holds the result.
uint64_t* radix_sort(uint64_t* words, uint64_t* other, int64_t count, int first_bit, int end_bit);

}  // namespace boxseg::crf
