#include "common/ops/relu_max_pool.h"

#include <ATen/Parallel.h>

#include <limits>

#include "common/base/random.h"
#include "tests/nn/paths.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

// Draws few distinct values, so that windows have equal ones, with some that are not positive throughout.
at::Tensor drawn(at::IntArrayRef shape, at::ScalarType type) {
  Random random(0, "relu_max_pool");
  at::Tensor t = at::empty(shape, at::kDouble);
  double* p = t.data_ptr<double>();
  for (int64_t i = 0; i < t.numel(); ++i) p[i] = std::floor(6 * random.uniform()) - 3;
  return t.to(type);
}

struct Results {
  at::Tensor out, grad;
};

template <class Pool>
Results run(const at::Tensor& given, const Pool& pool) {
  const at::Tensor x = given.clone().requires_grad_(true);
  const at::Tensor out = pool(x);
  out.backward(at::arange(1, out.numel() + 1, out.options()).view(out.sizes()));
  return {out.detach(), x.grad()};
}

}  // namespace

EACH_PATH_TEST_CASE("ReLU with maximum is LibTorch's ReLU and maximum bit by bit, gradients and equal values too",
                    "[cpu]") {
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const int64_t stride : {1, 2})
      for (const auto& [h, w] :
           std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 2}, {2, 1}, {3, 3}, {4, 7}, {17, 40}, {21, 33}}) {
        const at::Tensor x = drawn({2, 5, h, w}, type);
        const Results ours = run(on(x), [&](const at::Tensor& t) { return relu_max_pool(t, stride); });
        const Results theirs = run(x, [&](const at::Tensor& t) {
          return at::max_pool2d(t.relu(), {3, 3}, {stride, stride}, {1, 1});
        });
        REQUIRE(at::equal(ours.out.cpu(), theirs.out));
        REQUIRE(at::equal(ours.grad.cpu(), theirs.grad));
      }
}

EACH_PATH_TEST_CASE("ReLU with maximum, rounded up, is LibTorch's with ceil_mode, gradients and equal values too",
                    "[cpu]") {
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const auto& [h, w] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 2}, {2, 1}, {4, 4}, {5, 6}, {18, 40}, {21, 33}}) {
      const at::Tensor x = drawn({2, 5, h, w}, type);
      const Results ours = run(on(x), relu_max_pool_rounded_up);
      const Results theirs = run(x, [&](const at::Tensor& t) {
        return at::max_pool2d(t.relu(), {3, 3}, {2, 2}, {1, 1}, {1, 1}, /*ceil_mode=*/true);
      });
      REQUIRE(at::equal(ours.out.cpu(), theirs.out));
      REQUIRE(at::equal(ours.grad.cpu(), theirs.grad));
    }
}

EACH_PATH_TEST_CASE("ReLU with maximum passes on what is not a number", "[cpu]") {
  const at::Tensor x = at::ones({1, 1, 5, 5});
  x[0][0][2][3] = std::numeric_limits<float>::quiet_NaN();
  for (const int64_t stride : {1, 2}) {
    const at::Tensor expected = at::max_pool2d(x.relu(), {3, 3}, {stride, stride}, {1, 1});
    REQUIRE(at::equal(relu_max_pool(on(x), stride).cpu().isnan(), expected.isnan()));
  }
}

TEST_CASE("ReLU with maximum has equal bits for any number of threads") {
  const at::Tensor x = drawn({3, 11, 30, 31}, at::kFloat);
  const int before = at::get_num_threads();
  const auto pool = [](const at::Tensor& t) { return relu_max_pool(t, 2); };
  at::set_num_threads(1);
  const Results alone = run(x, pool);
  at::set_num_threads(3);
  const Results together = run(x, pool);
  at::set_num_threads(before);
  REQUIRE(at::equal(alone.out, together.out));
  REQUIRE(at::equal(alone.grad, together.grad));
}

}  // namespace boxseg
