#include "stage3_segment/axis.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/stage3/random_scores.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using test::random_tensor;

TEST_CASE("axes interpolate as LibTorch does, from one cell and to one pixel as well") {
  for (const auto& [cells, positions] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 7}, {5, 1}, {7, 7}, {41, 321}, {11, 5}}) {
    const Axis<float> axis(cells, positions);
    const at::Tensor line = random_tensor("axis", {1, 1, 1, cells}, at::kFloat);
    const at::Tensor expected = at::upsample_bilinear2d(line, {1, positions}, true);
    for (int64_t p = 0; p < positions; ++p) {
      const auto i = static_cast<size_t>(p);
      const int64_t lower = axis.index[i], upper = std::min(lower + 1, cells - 1);
      const float value = (1 - axis.weight[i]) * line[0][0][0][lower].item<float>() +
                          axis.weight[i] * line[0][0][0][upper].item<float>();
      REQUIRE(value == Approx(expected[0][0][0][p].item<float>()).margin(1e-6));
      REQUIRE(axis.first[static_cast<size_t>(lower)] <= p);
      REQUIRE(p < axis.end[static_cast<size_t>(lower)]);
    }
  }
}
