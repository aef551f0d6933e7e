// A set of numbers below a limit, a bit for each, that tells how many members are smaller than one of them.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>

namespace boxseg::crf {

// Calls use(bit) for the bits that are set, the lowest first.
template <class Use>
void for_each_bit(uint64_t word, const Use& use) {
  for (; word != 0; word &= word - 1) use(static_cast<uint64_t>(std::countr_zero(word)));
}

class RankedBits {
 public:
  // Returns the words of memory that the numbers 0 .. limit - 1 take.
  static int64_t words_for(uint64_t limit) {
    const auto size = static_cast<int64_t>(limit / 64) + 1;
    return size + (size + 1) / 2;
  }
  // The memory stays the caller's.
  RankedBits(uint64_t* memory, uint64_t limit)
      : bits_(memory),
        size_(static_cast<int64_t>(limit / 64) + 1),
        before_(reinterpret_cast<uint32_t*>(bits_ + size_)) {
    std::fill_n(bits_, size_, 0);
  }
  void add(uint64_t number) { bits_[number / 64] |= uint64_t{1} << number % 64; }
  // To be called when all are added; returns how many members there are.
  uint32_t count() {
    uint32_t total = 0;
    for (int64_t i = 0; i < size_; ++i) {
      before_[i] = total;
      total += static_cast<uint32_t>(std::popcount(bits_[i]));
    }
    return total;
  }
  uint32_t rank(uint64_t number) const {
    const uint64_t below = (uint64_t{1} << number % 64) - 1;
    return before_[number / 64] + static_cast<uint32_t>(std::popcount(bits_[number / 64] & below));
  }
  // The members among 64 * i .. 64 * i + 63.
  uint64_t bits(int64_t i) const { return bits_[i]; }
  // Calls use(member) in ascending order.
  template <class Use>
  void for_each(const Use& use) const {
    for (int64_t i = 0; i < size_; ++i)
      for_each_bit(bits_[i], [&](uint64_t bit) { use(static_cast<uint64_t>(i) * 64 + bit); });
  }

 private:
  uint64_t* bits_;
  int64_t size_;
  uint32_t* before_;  // how many members are smaller than 64 * i
};

}  // namespace boxseg::crf
