#include "common/base/random.h"

#include <cmath>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/base/hash.h"

namespace boxseg {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0], p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

// The four inputs are hashed into key and upper counter words; the two lower words count blocks.
Random::Random(uint64_t seed, std::string_view purpose, uint64_t a, uint64_t b) {
  std::string text(purpose);
  for (const uint64_t value : {seed, a, b})
    for (int byte = 0; byte < 8; ++byte) text.push_back(static_cast<char>(value >> (8 * byte)));
  const uint64_t key = stable_hash64(text);
  const uint64_t high = stable_hash64(text + "#");
  key_ = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<uint32_t>(high), static_cast<uint32_t>(high >> 32)};
}

uint32_t Random::bits() {
  if (next_ == 4) {
    block_ = philox4x32(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    next_ = 0;
  }
  return block_[static_cast<size_t>(next_++)];
}

double Random::uniform() {
  const uint64_t high = bits() >> 5, low = bits() >> 6;
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Random::normal() {
  const double u = 1.0 - uniform(), v = uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * M_PI * v);
}

int64_t Random::below(int64_t n) {
  ensure(n >= 1, "Random::below: n is {}, expected at least 1", n);
  const auto range = static_cast<uint64_t>(n);
  const uint64_t limit = ~uint64_t{0} - ~uint64_t{0} % range;  // a multiple of range: no modulo bias
  for (;;) {
    const uint64_t high = bits(), x = high << 32 | bits();
    if (x < limit) return static_cast<int64_t>(x % range);
  }
}

}  // namespace boxseg
