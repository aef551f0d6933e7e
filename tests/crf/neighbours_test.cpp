#include "common/crf/neighbours.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "common/base/random.h"
#include "common/crf/radix_sort.h"

#include "tests/support/catch.h"

using namespace boxseg;
using crf::Neighbours;

namespace {

constexpr int64_t kNobody = -1;

// Returns the neighbours of all vertices along an axis, as numbers among all: below and above.
std::vector<std::array<int64_t, 2>> numbers_along(const Neighbours& neighbours, int axis, int64_t vertices) {
  std::vector<std::array<int64_t, 2>> all(static_cast<size_t>(vertices), {-2, -2});
  for (int64_t block = 0; block < neighbours.blocks(); ++block)
    neighbours.visit(
        axis, block,
        [&]<class Distance>(int64_t first, int64_t count, int64_t below, int64_t above, const Distance* pairs) {
          const auto number = [](int64_t from, Distance distance) {
            return distance == Neighbours::kNone<Distance> ? kNobody : from + int64_t{distance};
          };
          for (int64_t i = 0; i < count; ++i)
            all[static_cast<size_t>(first + i)] = {number(below, pairs[i * 2]), number(above, pairs[i * 2 + 1])};
        });
  return all;
}

void check_neighbours(const std::vector<std::vector<uint64_t>>& keys, const std::vector<std::vector<uint64_t>>& steps) {
  std::vector<std::span<const uint64_t>> spans(keys.begin(), keys.end());
  std::vector<std::map<uint64_t, int64_t>> number(keys.size());
  int64_t vertices = 0;
  for (size_t r = 0; r < keys.size(); ++r)
    for (const uint64_t key : keys[r]) number[r][key] = vertices++;
  const auto find = [](const std::map<uint64_t, int64_t>& among, uint64_t key) {
    const auto at = among.find(key);
    return at == among.end() ? kNobody : at->second;
  };
  for (const int threads : {1, 2}) {
    Neighbours neighbours;
    neighbours.find(spans, steps, threads);
    for (size_t axis = 0; axis < keys.size(); ++axis) {
      const auto got = numbers_along(neighbours, static_cast<int>(axis), vertices);
      int64_t wrong = 0;
      for (size_t r = 0; r < keys.size(); ++r) {
        const size_t below = (r + keys.size() - 1) % keys.size(), above = (r + 1) % keys.size();
        for (const uint64_t key : keys[r]) {
          const auto& mine = got[static_cast<size_t>(number[r].at(key))];
          wrong += mine[0] != find(number[below], key + steps[r][axis]);
          wrong += mine[1] != find(number[above], key - steps[above][axis]);
        }
      }
      INFO("axis " << axis << ", " << threads << " threads");
      CHECK(wrong == 0);
    }
  }
}

std::vector<uint64_t> ascending(const char* name, size_t count, uint64_t range) {
  Random random(5, name);
  std::set<uint64_t> keys;
  while (keys.size() < count) keys.insert(1000 + random.below(static_cast<int64_t>(range)));
  return {keys.begin(), keys.end()};
}

}  // namespace

TEST_CASE("neighbours are found in classes of any size") {
  const std::vector<std::vector<uint64_t>> steps{{3, 0, uint64_t(-7)}, {1, 5, uint64_t(-300)}, {0, uint64_t(-1), 40}};
  for (const auto& sizes : std::vector<std::array<size_t, 3>>{
           {1, 1, 1}, {0, 5, 3}, {255, 256, 257}, {300, 20, 1000}, {512, 513, 1}, {2000, 1900, 2100}}) {
    INFO(sizes[0] << ", " << sizes[1] << ", " << sizes[2]);
    check_neighbours({ascending("a", sizes[0], 3000), ascending("b", sizes[1], 3000), ascending("c", sizes[2], 3000)},
                     steps);
  }
}

TEST_CASE("neighbours further apart than 16 bits reach are found") {
  // The few of the first class lie among very many of the others: a block of theirs sees nearly all.
  const std::vector<std::vector<uint64_t>> steps{{3, 0, uint64_t(-7)}, {1, 5, uint64_t(-300)}, {0, uint64_t(-1), 40}};
  check_neighbours({ascending("a", 400, 300'000), ascending("b", 200'000, 300'000), ascending("c", 150'000, 300'000)},
                   steps);
  // The distance is at its edge: the last of a block is 65,534, 65,535 or 65,536 vertices away.
  for (const uint64_t last : {65'534, 65'535, 65'536}) {
    std::vector<uint64_t> many(70'000), few{1000, 1000 + last};
    for (size_t i = 0; i < many.size(); ++i) many[i] = 1000 + i;
    check_neighbours({few, {5}, many}, {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}});
  }
}

namespace {

void check_sorted(int64_t count, int first_bit, int end_bit) {
  INFO(count << " words, bits " << first_bit << " to " << end_bit);
  Random random(6, "words");
  std::vector<uint64_t> given(static_cast<size_t>(count)), words(given.size()), other(given.size()), got;
  for (auto& word : given) word = random.below(1 << 9) << 55 | random.below(50) << 30 | random.below(1 << 20);
  const auto keep = [&](const uint64_t* sorted, int64_t size) { got.insert(got.end(), sorted, sorted + size); };
  crf::sort_in_buckets(
      count, [&](int64_t e) { return given[static_cast<size_t>(e)]; }, first_bit, end_bit, words.data(), other.data(),
      keep);
  const auto field = [first = first_bit, mask = (uint64_t{1} << (end_bit - first_bit)) - 1](uint64_t word) {
    return word >> first & mask;
  };
  std::stable_sort(given.begin(), given.end(), [&](uint64_t a, uint64_t b) { return field(a) < field(b); });
  CHECK(got == given);
}

}  // namespace

TEST_CASE("words are sorted by some of their bits, stably, bucket by bucket") {
  for (const int64_t count : {0, 1, 2, 4095, 50'000})
    for (const auto& [first_bit, end_bit] :
         std::vector<std::pair<int, int>>{{16, 16}, {16, 17}, {17, 40}, {0, 16}, {20, 64}})
      check_sorted(count, first_bit, end_bit);
}

TEST_CASE("as many words as would have more buckets than are made are sorted") {
  check_sorted((int64_t{1} << crf::kMostDigitBits) * 4096 + 5, 17, 40);
}
