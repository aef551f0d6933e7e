#include "common/ops/average_pool.h"

#include <ATen/Functions.h>

#include <vector>

#include "tests/nn/paths.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {

EACH_PATH_TEST_CASE("the average over windows is LibTorch's, and so is its gradient", "[cpu]") {
  at::manual_seed(4);
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const auto& [h, w] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 3}, {2, 1}, {5, 4}, {41, 41}}) {
      const double tolerance = type == at::kFloat ? 1e-6 : 1e-14;
      const at::Tensor given = at::randn({2, 70, h, w}, type), slope = at::randn_like(given);
      const at::Tensor x = on(given.clone()).requires_grad_(true), reference = given.clone().requires_grad_(true);
      const at::Tensor out = average_pool(x), expected = at::avg_pool2d(reference, {3, 3}, {1, 1}, {1, 1});
      REQUIRE((out.cpu() - expected).abs().max().item<double>() < tolerance);
      out.backward(on(slope));
      expected.backward(slope);
      REQUIRE((x.grad().cpu() - reference.grad()).abs().max().item<double>() < tolerance);
    }
}

}  // namespace boxseg
