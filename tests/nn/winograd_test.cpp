#include "common/ops/winograd/winograd.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "tests/nn/tensors.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

using test::error_of;
using test::normal_tensor;

struct Case {
  int64_t images, inputs, outputs, h, w, dilation;
};

struct Operands {
  explicit Operands(const Case& c) {
    Random random(0, "winograd", static_cast<uint64_t>(c.h * 1000 + c.w), static_cast<uint64_t>(c.dilation));
    x = normal_tensor(random, {c.images, c.inputs, c.h, c.w});
    weight = normal_tensor(random, {c.outputs, c.inputs, 3, 3});
    grad = normal_tensor(random, {c.images, c.outputs, c.h, c.w});
  }
  at::Tensor x, weight, grad;
};

// Returns the gradients of input and weight.
std::vector<at::Tensor> run_ours(const Operands& given, const Case& c) {
  return {winograd_input_gradient(given.weight, given.grad, c.dilation, {}),
          winograd_weight_gradient(given.x, given.grad, c.dilation)};
}

std::vector<at::Tensor> run_theirs(const Operands& given, const Case& c, at::ScalarType type) {
  const at::Tensor x = given.x.to(type).requires_grad_(true), weight = given.weight.to(type).requires_grad_(true);
  at::conv2d(x, weight, {}, {1, 1}, {c.dilation, c.dilation}, {c.dilation, c.dilation}).backward(given.grad.to(type));
  return {x.grad(), weight.grad()};
}

const std::vector<Case> kCases = {
    {1, 1, 1, 1, 1, 1},       {2, 3, 5, 2, 3, 1},       {1, 33, 32, 7, 8, 1},  {3, 40, 36, 16, 17, 1},
    {2, 32, 48, 41, 41, 2},   {1, 34, 33, 9, 30, 12},   {1, 32, 32, 5, 4, 12}, {1, 32, 32, 4, 40, 3},
    {1, 64, 64, 161, 161, 1}, {2, 256, 320, 41, 41, 1},
};

}  // namespace

TEST_CASE("gradients by Winograd are as near to those in double as twice LibTorch's") {
  for (const Case& c : kCases) {
    CAPTURE(c.inputs, c.outputs, c.h, c.w, c.dilation);
    const Operands given(c);
    const std::vector<at::Tensor> ours = run_ours(given, c);
    const std::vector<at::Tensor> wanted = run_theirs(given, c, at::kDouble), theirs = run_theirs(given, c, at::kFloat);
    for (size_t i = 0; i < ours.size(); ++i) {
      CAPTURE(i);
      REQUIRE(ours[i].sizes() == wanted[i].sizes());
      REQUIRE(error_of(ours[i], wanted[i]) <= 2 * error_of(theirs[i], wanted[i]) + 5e-7);
    }
  }
}

TEST_CASE("gradients by Winograd have the same bits on any number of threads") {
  const int before = at::get_num_threads();
  for (const Case& c : kCases) {
    const Operands given(c);
    at::set_num_threads(1);
    const std::vector<at::Tensor> one = run_ours(given, c);
    for (const int threads : {2, 3}) {
      at::set_num_threads(threads);
      const std::vector<at::Tensor> many = run_ours(given, c);
      for (size_t i = 0; i < one.size(); ++i) REQUIRE(at::equal(one[i], many[i]));
    }
  }
  at::set_num_threads(before);
}

TEST_CASE("a mask takes its zeros, and nothing else, from the gradient of the input") {
  for (const Case& c : kCases) {
    const Operands given(c);
    const at::Tensor whole = run_ours(given, c)[0];
    const at::Tensor masked = winograd_input_gradient(given.weight, given.grad, c.dilation, given.x);
    REQUIRE(at::equal(masked, at::where(given.x > 0, whole, at::zeros_like(whole))));
  }
}

TEST_CASE("Winograd is for 3x3 with stride 1, float32, channels enough and maps that fill their tiles") {
  const auto suits = [](int64_t channels, int64_t size, int64_t kernel, int64_t stride, int64_t dilation,
                        at::ScalarType type) {
    return suits_winograd(at::zeros({1, channels, size, size}, type), at::zeros({128, channels, kernel, kernel}, type),
                          {stride, dilation, dilation, 1});
  };
  REQUIRE(suits(128, 41, 3, 1, 1, at::kFloat));
  REQUIRE(suits(128, 41, 3, 1, 12, at::kFloat));
  REQUIRE(suits(128, 41, 3, 1, 24, at::kFloat));
  REQUIRE(!suits(128, 41, 3, 1, 30, at::kFloat));
  REQUIRE(!suits(64, 41, 3, 1, 1, at::kFloat));
  REQUIRE(!suits(128, 41, 1, 1, 1, at::kFloat));
  REQUIRE(!suits(128, 41, 3, 2, 1, at::kFloat));
  REQUIRE(!suits(128, 41, 3, 1, 1, at::kDouble));
  REQUIRE(!suits(128, 1, 3, 1, 1, at::kFloat));
}

}  // namespace boxseg
