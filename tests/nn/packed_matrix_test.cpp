#include "common/networks/lite0/packed_matrix.h"

#include <algorithm>

#include "common/base/random.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

std::vector<float> drawn(const char* name, int64_t count) {
  Random random(1, name);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(random.normal());
  return values;
}

}  // namespace

TEST_CASE("packed products are sums in double, for widths of one to several panels and any number of rows") {
  for (const int64_t columns : {8, 16, 24, 32, 40, 56, 64, 96, 120})
    for (const int64_t inner : {1, 7, 96})
      for (const int64_t rows : {1, 3, 4, 6, 8, 11, 13}) {
        const auto in = drawn("in", rows * inner), weight = drawn("weight", inner * columns),
                   bias = drawn("bias", columns);
        const auto added = drawn("added", rows * columns);
        const PackedMatrix matrix(weight.data(), bias.data(), inner, columns);
        std::vector<float> out(added.size()), rectified(added.size()), alone(static_cast<size_t>(columns));
        matrix.multiply(in.data(), rows, PackedMatrix::Finish::none, added.data(), out.data());
        matrix.multiply(in.data(), rows, PackedMatrix::Finish::relu6, nullptr, rectified.data());
        for (int64_t r = 0; r < rows; ++r) {
          matrix.multiply(in.data() + r * inner, 1, PackedMatrix::Finish::relu6, nullptr, alone.data());
          for (int64_t c = 0; c < columns; ++c) {
            double sum = bias[c];
            for (int64_t k = 0; k < inner; ++k)
              sum += static_cast<double>(in[r * inner + k]) * static_cast<double>(weight[k * columns + c]);
            const size_t at = r * columns + c;
            REQUIRE(out[at] == Approx(sum + added[at]).epsilon(1e-5).margin(2e-5));
            REQUIRE(rectified[at] == Approx(std::clamp(sum, 0.0, 6.0)).epsilon(1e-5).margin(2e-5));
            REQUIRE(rectified[at] == alone[c]);  // whatever the rows beside it
          }
        }
      }
}

TEST_CASE("products over parts of the inner channels, one after the other, have the bits of the whole") {
  constexpr int64_t kRows = 7, kInner = 50;
  for (const int64_t columns : {8, 40, 64}) {
    const auto in = drawn("in", kRows * kInner), weight = drawn("weight", kInner * columns),
               bias = drawn("bias", columns), added = drawn("added", kRows * columns);
    std::vector<float> whole(added.size()), parts(added.size());
    PackedMatrix(weight.data(), bias.data(), kInner, columns)
        .multiply(in.data(), kRows, PackedMatrix::Finish::none, added.data(), whole.data());
    for (const auto& [first, end] : {std::pair<int64_t, int64_t>{0, 16}, {16, 17}, {17, kInner}}) {
      std::vector<float> part;
      for (int64_t r = 0; r < kRows; ++r)
        part.insert(part.end(), in.begin() + r * kInner + first, in.begin() + r * kInner + end);
      const PackedMatrix matrix(weight.data() + first * columns, bias.data(), end - first, columns);
      if (first == 0)
        matrix.multiply(part.data(), kRows, PackedMatrix::Finish::none, nullptr, parts.data());
      else
        matrix.multiply_onto(part.data(), kRows, end == kInner ? added.data() : nullptr, parts.data());
    }
    REQUIRE(parts == whole);
  }
}

TEST_CASE("AVX-512 multiplies packed matrices to the bits of the instructions that the program is compiled for") {
  if (instruction_set() != InstructionSet::kAvx512) {
    test::skip("this CPU has no AVX-512, or ATEN_CPU_CAPABILITY goes without");
    return;
  }
  for (const int64_t columns : {8, 16, 24, 40, 48, 56, 80, 112, 192})
    for (const int64_t inner : {1, 19, 200})
      for (int64_t rows = 1; rows <= 17; ++rows) {
        const auto in = drawn("in", rows * inner), weight = drawn("weight", inner * columns),
                   bias = drawn("bias", columns);
        const auto added = drawn("added", rows * columns);
        const auto product = [&](InstructionSet instructions, PackedMatrix::Finish finish) {
          std::vector<float> out(added.size());
          const PackedMatrix matrix(weight.data(), bias.data(), inner, columns, instructions);
          matrix.multiply(in.data(), rows, finish, added.data(), out.data());
          return out;
        };
        for (const auto finish : {PackedMatrix::Finish::none, PackedMatrix::Finish::relu6})
          REQUIRE(product(InstructionSet::kAvx512, finish) == product(InstructionSet::kCompiled, finish));
      }
}

}  // namespace boxseg
