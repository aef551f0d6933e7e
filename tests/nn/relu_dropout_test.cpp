#include "common/ops/relu_dropout.h"

#include <ATen/Functions.h>

#include <limits>

#include "tests/nn/paths.h"
#include "tests/nn/tensors.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

using test::training_pass;

at::Tensor dropped(const at::Tensor& x, const std::string& layer, const Pass& pass) {
  return relu_dropout2d(x.clone(), layer, pass);
}

}  // namespace

TEST_CASE("dropout depends on seed, step, layer and image, not on the batch", "[network]") {
  const at::Tensor x = at::ones({3, 1000, 2, 2});
  const at::Tensor y = dropped(x, "fc6", training_pass({11, 22, 33}));
  CHECK(at::equal(y.amin({2, 3}), y.amax({2, 3})));  // whole channels
  CHECK(((y == 0) | (y == 2)).all().item<bool>());
  CHECK((y > 0).to(at::kDouble).mean().item<double>() == Approx(0.5).margin(0.04));
  CHECK_FALSE(at::equal(y[0], y[1]));
  CHECK(at::equal(dropped(x.slice(0, 0, 1), "fc6", training_pass({33})), y.slice(0, 2)));
  CHECK(at::equal(dropped(x, "fc6", training_pass({33, 22, 11})), y.flip({0})));
  CHECK_FALSE(at::equal(dropped(x, "fc7", training_pass({11, 22, 33})), y));
  CHECK_FALSE(at::equal(dropped(x, "fc6", training_pass({11, 22, 33}, 2)), y));
  CHECK_FALSE(at::equal(dropped(x, "fc6", training_pass({11, 22, 33}, 1, 2)), y));
  CHECK(at::equal(dropped(x, "fc6", {}), x));
  CHECK(test::failure_of([&] { dropped(x, "fc6", training_pass({11})); }).mentions("1 image keys for a batch of 3"));
}

TEST_CASE("the bytes of dropout are those of all times", "[network]") {
  const at::Tensor y = dropped(at::ones({1, 12, 1, 1}), "fc6", training_pass({5}, 3, 4)).flatten();
  std::string bits;
  for (int64_t i = 0; i < 12; ++i) bits += y[i].item<float>() > 0 ? '1' : '0';
  CHECK(bits == "000010101001");
}

EACH_PATH_TEST_CASE("ReLU with dropout is LibTorch's ReLU times the factors, and so is its gradient", "[network]") {
  const Pass pass = training_pass({7, 8});
  const at::Tensor values = at::arange(2 * 40 * 9, at::kFloat).mul_(0.7).sin_().view({2, 40, 3, 3});
  const at::Tensor factors = dropped(at::ones({2, 40, 1, 1}), "fc7", pass), grad = values.cos();
  const at::Tensor a = on(values.clone()).requires_grad_(true), b = values.clone().requires_grad_(true);
  const at::Tensor ours = relu_dropout2d(a * 1, "fc7", pass), theirs = b.relu() * factors;
  CHECK(at::equal(ours.cpu(), theirs));
  ours.backward(on(grad));
  theirs.backward(grad);
  CHECK(at::equal(a.grad().cpu(), b.grad()));
}

EACH_PATH_TEST_CASE("ReLU with dropout passes on what is not a number", "[network]") {
  at::Tensor x = at::ones({1, 2, 3, 3});
  x[0][0][1][1] = x[0][1][2][2] = std::numeric_limits<float>::quiet_NaN();
  CHECK(at::equal(dropped(on(x), "fc6", training_pass({5})).cpu().isnan(), x.isnan()));
}

}  // namespace boxseg
