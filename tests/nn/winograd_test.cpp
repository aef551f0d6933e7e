#include "common/nn/winograd.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <catch2/catch.hpp>

#include "common/base/random.h"
#include "tests/support/support.h"

namespace boxseg {
namespace {

at::Tensor drawn(Random& random, at::IntArrayRef shape) {
  const at::Tensor t = at::empty(shape, at::kFloat);
  float* p = t.mutable_data_ptr<float>();
  for (int64_t i = 0; i < t.numel(); ++i) p[i] = static_cast<float>(random.normal());
  return t;
}

struct Case {
  int64_t images, inputs, outputs, h, w, dilation;
  bool has_bias;
};

struct Operands {
  explicit Operands(const Case& c) {
    Random random(0, "winograd", static_cast<uint64_t>(c.h * 1000 + c.w), static_cast<uint64_t>(c.dilation));
    x = drawn(random, {c.images, c.inputs, c.h, c.w});
    weight = drawn(random, {c.outputs, c.inputs, 3, 3});
    if (c.has_bias) bias = drawn(random, {c.outputs});
    grad = drawn(random, {c.images, c.outputs, c.h, c.w});
  }
  at::Tensor x, weight, bias, grad;
};

// Output, and the gradients of input, weight and bias.
template <class Convolution>
std::vector<at::Tensor> run(const Operands& given, at::ScalarType type, const Convolution& convolution) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& t : {given.x, given.weight, given.bias})
    leaves.push_back(t.defined() ? t.to(type).clone().requires_grad_(true) : t);
  const at::Tensor out = convolution(leaves[0], leaves[1], leaves[2]);
  out.backward(given.grad.to(type));
  std::vector<at::Tensor> results{out.detach()};
  for (const at::Tensor& leaf : leaves)
    if (leaf.defined()) results.push_back(leaf.grad());
  return results;
}

std::vector<at::Tensor> run_ours(const Operands& given, const Case& c) {
  return run(given, at::kFloat, [&](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    return convolution_with_winograd_gradients(x, weight, bias, c.dilation);
  });
}

std::vector<at::Tensor> run_theirs(const Operands& given, const Case& c, at::ScalarType type) {
  return run(given, type, [&](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    return at::conv2d(x, weight, bias, {1, 1}, {c.dilation, c.dilation}, {c.dilation, c.dilation});
  });
}

double error(const at::Tensor& got, const at::Tensor& wanted) {
  return ((got.to(at::kDouble) - wanted).abs().max() / wanted.abs().max()).item<double>();
}

const std::vector<Case> kCases = {
    {1, 1, 1, 1, 1, 1, true},       {2, 3, 5, 2, 3, 1, true},     {1, 33, 32, 7, 8, 1, false},
    {3, 40, 36, 16, 17, 1, true},   {2, 32, 48, 41, 41, 2, true}, {1, 34, 33, 9, 30, 12, true},
    {1, 32, 32, 5, 4, 12, true},    {1, 32, 32, 4, 40, 3, false}, {1, 64, 64, 161, 161, 1, true},
    {2, 256, 320, 41, 41, 1, true},
};

}  // namespace

TEST_CASE("gradients by Winograd are as near to those in double as twice LibTorch's, and the output is LibTorch's") {
  for (const Case& c : kCases) {
    CAPTURE(c.inputs, c.outputs, c.h, c.w, c.dilation);
    const Operands given(c);
    const std::vector<at::Tensor> ours = run_ours(given, c);
    const std::vector<at::Tensor> wanted = run_theirs(given, c, at::kDouble), theirs = run_theirs(given, c, at::kFloat);
    REQUIRE(ours.size() == wanted.size());
    REQUIRE(at::equal(ours[0], theirs[0]));
    for (size_t i = 1; i < ours.size(); ++i) {
      CAPTURE(i);
      REQUIRE(ours[i].sizes() == wanted[i].sizes());
      REQUIRE(error(ours[i], wanted[i]) <= 2 * error(theirs[i], wanted[i]) + 5e-7);
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
      for (size_t i = 1; i < one.size(); ++i) REQUIRE(at::equal(one[i], many[i]));
    }
  }
  at::set_num_threads(before);
}

TEST_CASE("gradients by Winograd are made for those that ask, and add up over calls and layouts") {
  const Case c{1, 32, 32, 8, 8, 1, true};
  const Operands given(c);
  const at::Tensor weight = given.weight.clone().requires_grad_(true);
  const at::Tensor spread = given.x.transpose(2, 3).contiguous().transpose(2, 3);
  REQUIRE(!spread.is_contiguous());
  for (const at::Tensor& x : {given.x, spread})
    convolution_with_winograd_gradients(x, weight, given.bias, 1)
        .backward(given.grad.transpose(2, 3).contiguous().transpose(2, 3));
  REQUIRE(!given.x.grad().defined());
  REQUIRE(!given.bias.grad().defined());
  REQUIRE(at::equal(weight.grad(), 2 * run_ours(given, c)[2]));
}

TEST_CASE("Winograd is for 3x3 with stride 1, float32, channels enough and maps that fill their tiles") {
  const auto suits = [](int64_t channels, int64_t size, int64_t kernel, int64_t stride, int64_t dilation,
                        at::ScalarType type) {
    return suits_winograd(at::zeros({1, channels, size, size}, type), at::zeros({128, channels, kernel, kernel}, type),
                          stride, dilation, dilation, 1);
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
