// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011, as in Random123).
//
// A stream is a pure function of (seed, purpose, a, b), so that results do not depend on thread timing or on
// the number of workers: use a = step or epoch, b = stable_hash64(image id) or an index.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace boxseg {

// Returns the block of four 32-bit words that belongs to a key and a counter.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class Random {
 public:
  Random(uint64_t seed, std::string_view purpose, uint64_t a = 0, uint64_t b = 0);
  uint32_t bits();
  double uniform();                         // [0, 1), 53 bits
  double uniform(double low, double high);  // [low, high)
  double normal();                          // mean 0, variance 1 (Box-Muller)
  int64_t below(int64_t n);                 // 0 .. n-1, unbiased; n >= 1
  template <class T>
  void shuffle(std::vector<T>& items) {  // Fisher-Yates
    for (int64_t i = static_cast<int64_t>(items.size()) - 1; i > 0; --i)
      std::swap(items[static_cast<size_t>(i)], items[static_cast<size_t>(below(i + 1))]);
  }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int next_ = 4;
};

}  // namespace boxseg
