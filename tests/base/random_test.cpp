// Random numbers give Random123's known answers, are uniform, and do not depend on order and threads.
#include "common/base/random.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Block = std::array<uint32_t, 4>;

// Returns Pearson's statistic of counts against equal expectation, as a distance in standard deviations.
double surplus_of_chi_square(const std::vector<int64_t>& counts) {
  double total = 0;
  for (const int64_t c : counts) total += static_cast<double>(c);
  const double expected = total / static_cast<double>(counts.size());
  double chi = 0;
  for (const int64_t c : counts) chi += std::pow(static_cast<double>(c) - expected, 2) / expected;
  const auto freedom = static_cast<double>(counts.size() - 1);
  return (chi - freedom) / std::sqrt(2 * freedom);
}

}  // namespace

TEST_CASE("Philox4x32-10 gives Random123's known answers", "[cpu]") {
  REQUIRE(philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr uint32_t k1 = 0xffffffff;
  REQUIRE(philox4x32({k1, k1, k1, k1}, {k1, k1}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  REQUIRE(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("A stream is a function of its four coordinates", "[cpu]") {
  const auto first = [](uint64_t seed, const char* purpose, uint64_t a, uint64_t b) {
    return Random(seed, purpose, a, b).uniform();
  };
  REQUIRE(first(1, "crop", 2, 3) == first(1, "crop", 2, 3));
  const std::set<double> values = {first(1, "crop", 2, 3), first(2, "crop", 2, 3), first(1, "flip", 2, 3),
                                   first(1, "crop", 3, 3), first(1, "crop", 2, 4), first(2, "crop", 1, 3),
                                   first(3, "crop", 2, 1)};
  REQUIRE(values.size() == 7);
}

TEST_CASE("The first numbers of a stream never change: results on disk depend on them", "[cpu]") {
  Random random(7, "test", 1, 2);
  const std::vector<uint32_t> bits = {random.bits(), random.bits(), random.bits(), random.bits(), random.bits()};
  REQUIRE(bits == std::vector<uint32_t>{354602077u, 1183839237u, 531409551u, 3970277034u, 2794549577u});
}

TEST_CASE("Uniform numbers fill [0, 1) evenly, in pairs too", "[cpu]") {
  Random random(1, "uniformity");
  std::vector<int64_t> bins(100), pairs(400);
  double previous = random.uniform(), sum = 0;
  constexpr int kDraws = 200000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.uniform();
    REQUIRE((x >= 0 && x < 1));
    ++bins[static_cast<size_t>(x * 100)];
    ++pairs[static_cast<size_t>(x * 20) * 20 + static_cast<size_t>(previous * 20)];
    previous = x;
    sum += x;
  }
  REQUIRE(std::abs(surplus_of_chi_square(bins)) < 4);
  REQUIRE(std::abs(surplus_of_chi_square(pairs)) < 4);
  REQUIRE(std::abs(sum / kDraws - 0.5) < 4 * std::sqrt(1.0 / 12 / kDraws));
  for (int i = 0; i < 1000; ++i) {
    const double x = random.uniform(-3, 5);
    REQUIRE((x >= -3 && x < 5));
  }
}

TEST_CASE("Whole numbers below n are even for every n", "[cpu]") {
  Random random(1, "below");
  for (const int64_t n : {1, 2, 3, 7, 10, 1000}) {
    std::vector<int64_t> counts(static_cast<size_t>(n));
    for (int i = 0; i < 100000; ++i) ++counts.at(static_cast<size_t>(random.below(n)));
    if (n > 1) REQUIRE(std::abs(surplus_of_chi_square(counts)) < 4);
  }
  // The range is two thirds of all 64-bit words: taking the remainder would make the lower half twice as likely.
  const int64_t large = (int64_t{1} << 62) + (int64_t{1} << 61);
  int64_t low = 0;
  for (int i = 0; i < 20000; ++i) low += random.below(large) < large / 2 ? 1 : 0;
  REQUIRE(std::abs(static_cast<double>(low) - 10000) < 4 * std::sqrt(5000));
  REQUIRE(failure_of([&] { random.below(0); }).kind == ErrorKind::failed);
}

TEST_CASE("Normal numbers have mean 0, variance 1 and the tails of a normal law", "[cpu]") {
  Random random(1, "normal");
  constexpr int kDraws = 200000;
  double sum = 0, squares = 0, cubes = 0;
  int beyond_2 = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    REQUIRE(std::isfinite(x));
    sum += x;
    squares += x * x;
    cubes += x * x * x;
    beyond_2 += std::abs(x) > 2 ? 1 : 0;
  }
  REQUIRE(std::abs(sum / kDraws) < 4 / std::sqrt(kDraws));
  REQUIRE(std::abs(squares / kDraws - 1) < 4 * std::sqrt(2.0 / kDraws));
  REQUIRE(std::abs(cubes / kDraws) < 4 * std::sqrt(15.0 / kDraws));
  REQUIRE(std::abs(beyond_2 / double{kDraws} - 0.0455) < 4 * std::sqrt(0.0455 / kDraws));
}

TEST_CASE("A shuffle is a permutation, and every order comes up", "[cpu]") {
  std::vector<int64_t> counts(24);
  for (uint64_t i = 0; i < 24000; ++i) {
    std::vector<int> items = {0, 1, 2, 3};
    Random(i, "shuffle").shuffle(items);
    std::vector<int> sorted = items, order = {0, 1, 2, 3};
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted == order);
    size_t rank = 0;
    for (; order != items; ++rank) REQUIRE(std::next_permutation(order.begin(), order.end()));
    ++counts[rank];
  }
  REQUIRE(std::abs(surplus_of_chi_square(counts)) < 4);
  std::vector<int> none;
  Random(1, "shuffle").shuffle(none);
  REQUIRE(none.empty());
}
