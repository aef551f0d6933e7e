#include "common/ops/pool_planes.h"

#include <cmath>
#include <limits>
#include <vector>

#include "common/base/random.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

struct Pooled {
  std::vector<float> values;
  std::vector<uint8_t> codes;
};

// Pools window by window.
Pooled naive_pool(PoolSize size, const std::vector<float>& in) {
  const auto windows = static_cast<size_t>(size.out_area());
  Pooled out{std::vector<float>(windows), std::vector<uint8_t>(windows)};
  for (int64_t i = 0; i < size.out_area(); ++i) {
    float& value = out.values[static_cast<size_t>(i)];
    for (int64_t k = 0; k < 9; ++k) {
      const int64_t y = i / size.out_w() * size.stride - 1 + k / 3, x = i % size.out_w() * size.stride - 1 + k % 3;
      if (y < 0 || y >= size.h || x < 0 || x >= size.w) continue;
      const float other = in[static_cast<size_t>(y * size.w + x)];
      if (std::isnan(other)) value = other;
      if (other > value) value = other, out.codes[static_cast<size_t>(i)] = static_cast<uint8_t>(1 + k);
    }
  }
  return out;
}

}  // namespace

TEST_CASE(
    "planes are pooled window by window, with the instructions that the program is compiled for and this CPU's best") {
  Random random(3, "pool_planes");
  for (const int64_t stride : {1, 2})
    for (int64_t w = 1; w < 80; ++w) {
      const PoolSize size{5, w, stride};
      std::vector<float> in(static_cast<size_t>(size.area()));
      for (float& value : in) value = static_cast<float>(std::floor(5 * random.uniform()) - 2);
      in[static_cast<size_t>(random.below(size.area()))] = std::numeric_limits<float>::infinity();
      const Pooled expected = naive_pool(size, in);
      for (const InstructionSet set : {InstructionSet::kCompiled, instruction_set()}) {
        Pooled out{std::vector<float>(expected.values.size()), std::vector<uint8_t>(expected.codes.size())};
        max_pool_planes(size, 1, in.data(), out.values.data(), out.codes.data(), set);
        REQUIRE(out.values == expected.values);
        REQUIRE(out.codes == expected.codes);
      }
    }
}

TEST_CASE("what is not a number is passed on to every window that has it") {
  for (const int64_t stride : {1, 2})
    for (int64_t x = 0; x < 70; ++x) {
      const PoolSize size{3, 70, stride};
      std::vector<float> in(static_cast<size_t>(size.area()), 1);
      in[static_cast<size_t>(size.w + x)] = std::numeric_limits<float>::quiet_NaN();
      const Pooled expected = naive_pool(size, in);
      for (const InstructionSet set : {InstructionSet::kCompiled, instruction_set()}) {
        std::vector<float> out(expected.values.size());
        std::vector<uint8_t> codes(out.size());
        max_pool_planes(size, 1, in.data(), out.data(), codes.data(), set);
        for (size_t i = 0; i < out.size(); ++i) REQUIRE(std::isnan(out[i]) == std::isnan(expected.values[i]));
      }
    }
}

}  // namespace boxseg
