// Members of a set of numbers, counted.
#include "common/crf/ranked_bits.h"

#include <set>
#include <vector>

#include "common/base/random.h"

#include "tests/support/catch.h"

using namespace boxseg;
using crf::RankedBits;

TEST_CASE("a member's rank is how many are smaller") {
  for (const uint64_t limit : {1u, 63u, 64u, 65u, 1000u}) {
    Random random(1, "ranks", limit);
    std::set<uint64_t> members = {0, limit - 1};
    for (int i = 0; i < 40; ++i) members.insert(static_cast<uint64_t>(random.below(static_cast<int64_t>(limit))));
    std::vector<uint64_t> memory(static_cast<size_t>(RankedBits::words_for(limit)), ~uint64_t{0});
    RankedBits bits(memory.data(), limit);
    for (const uint64_t member : members) bits.add(member);
    for (const uint64_t member : members) bits.add(member);
    CHECK(bits.count() == members.size());
    uint32_t rank = 0;
    for (const uint64_t member : members) CHECK(bits.rank(member) == rank++);
    std::vector<uint64_t> found;
    bits.for_each([&](uint64_t member) { found.push_back(member); });
    CHECK(found == std::vector<uint64_t>(members.begin(), members.end()));
  }
}
