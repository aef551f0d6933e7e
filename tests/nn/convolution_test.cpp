// Convolutions with and without the ReLU before them are compared with LibTorch's two nodes.
#include "common/ops/convolution.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "common/ops/winograd/winograd.h"
#include "tests/nn/tensors.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

struct Case {
  int64_t inputs, outputs, kernel, size;
  ConvolutionGeometry geometry;
  bool has_bias, has_winograd;
};

const std::vector<Case> kCases = {
    {128, 130, 3, 12, {1, 1, 1, 1}, true, true}, {128, 128, 3, 30, {1, 2, 2, 1}, false, true},
    {8, 6, 3, 11, {1, 1, 1, 1}, true, false},    {8, 6, 3, 11, {2, 1, 1, 1}, false, false},
    {8, 6, 1, 7, {1, 0, 1, 1}, true, false},     {8, 8, 3, 9, {1, 1, 1, 8}, true, false},
};

struct Operands {
  at::Tensor x, weight, bias;
};

Operands operands_of(const Case& c) {
  Random random(0, "convolution", static_cast<uint64_t>(c.inputs), static_cast<uint64_t>(c.size));
  Operands o{test::normal_tensor(random, {2, c.inputs, c.size, c.size}),
             test::normal_tensor(random, {c.outputs, c.inputs / c.geometry.groups, c.kernel, c.kernel}),
             {}};
  if (c.has_bias) o.bias = test::normal_tensor(random, {c.outputs});
  return o;
}

at::Tensor by_torch(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const ConvolutionGeometry& g) {
  return at::conv2d(x, weight, bias, {g.stride, g.stride}, {g.padding, g.padding}, {g.dilation, g.dilation}, g.groups);
}

// Returns the output, and the gradients of x, weight and, if there is one, bias.
template <class Convolve>
std::vector<at::Tensor> run(const Case& c, at::ScalarType type, const Convolve& convolve) {
  const Operands given = operands_of(c);
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& t : {given.x, given.weight, given.bias})
    leaves.push_back(t.defined() ? t.to(type).clone().requires_grad_(true) : t);
  // Its input is not a leaf, but like the output of another layer.
  const at::Tensor out = convolve(leaves[0] * 2, leaves[1], leaves[2]);
  out.backward(at::arange(out.numel(), at::kFloat).view(out.sizes()).sin().to(type));
  std::vector<at::Tensor> results{out.detach()};
  for (const at::Tensor& leaf : leaves)
    if (leaf.defined()) results.push_back(leaf.grad());
  return results;
}

std::vector<at::Tensor> run_ours(const Case& c, Before before) {
  return run(c, at::kFloat, [&](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    return convolution(x, weight, bias, c.geometry, before);
  });
}

std::vector<at::Tensor> run_theirs(const Case& c, Before before, at::ScalarType type) {
  return run(c, type, [&](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    return by_torch(before == Before::relu ? x.relu() : x, weight, bias, c.geometry);
  });
}

constexpr Before kBoth[] = {Before::nothing, Before::relu};

}  // namespace

TEST_CASE("a convolution has LibTorch's output and gradients; Winograd's are as near to double as twice LibTorch's",
          "[convolution]") {
  for (const Case& c : kCases)
    for (const Before before : kBoth) {
      CAPTURE(c.inputs, c.outputs, c.kernel, c.size, static_cast<int>(before));
      const Operands given = operands_of(c);
      REQUIRE(suits_winograd(given.x, given.weight, c.geometry) == c.has_winograd);
      const std::vector<at::Tensor> ours = run_ours(c, before), theirs = run_theirs(c, before, at::kFloat),
                                    wanted = run_theirs(c, before, at::kDouble);
      REQUIRE(ours.size() == wanted.size());
      REQUIRE(at::equal(ours[0], theirs[0]));
      for (size_t i = 1; i < ours.size(); ++i) {
        CAPTURE(i);
        REQUIRE(ours[i].sizes() == wanted[i].sizes());
        if (c.has_winograd)
          REQUIRE(test::error_of(ours[i], wanted[i]) <= 2 * test::error_of(theirs[i], wanted[i]) + 5e-7);
        else
          REQUIRE(at::equal(ours[i], theirs[i]));
      }
      if (before == Before::relu) REQUIRE(at::equal(ours[1] == 0, given.x <= 0));  // the mask must be exact
    }
}

TEST_CASE("all gradients by Winograd, the bias's too, have the same bits on any number of threads", "[convolution]") {
  const int threads_before = at::get_num_threads();
  for (const Case& c : {kCases[0], kCases[1]})
    for (const Before before : kBoth) {
      at::set_num_threads(1);
      const std::vector<at::Tensor> one = run_ours(c, before);
      for (const int threads : {2, 3}) {
        at::set_num_threads(threads);
        const std::vector<at::Tensor> many = run_ours(c, before);
        for (size_t i = 1; i < one.size(); ++i) REQUIRE(at::equal(one[i], many[i]));
      }
    }
  at::set_num_threads(threads_before);
}

TEST_CASE("gradients are made for those that ask, add up, and take any layout", "[convolution]") {
  for (const Case& c : {kCases[0], kCases[2]})
    for (const Before before : kBoth) {
      const Operands given = operands_of(c);
      const int64_t cells = 2 * c.outputs * c.size * c.size;
      const at::Tensor grad = at::arange(cells, at::kFloat).view({2, c.outputs, c.size, c.size}).sin();
      const at::Tensor once = given.weight.clone().requires_grad_(true),
                       twice = given.weight.clone().requires_grad_(true);
      convolution(given.x.clone(), once, given.bias, c.geometry, before).backward(grad);
      const at::Tensor spread = given.x.transpose(2, 3).contiguous().transpose(2, 3);
      REQUIRE(!spread.is_contiguous());
      for (const at::Tensor& x : {given.x.clone(), spread}) {
        convolution(x, twice, given.bias, c.geometry, before)
            .backward(grad.transpose(2, 3).contiguous().transpose(2, 3));
        REQUIRE(!x.grad().defined());
      }
      REQUIRE(!given.bias.grad().defined());
      REQUIRE(at::equal(twice.grad(), 2 * once.grad()));
    }
}

TEST_CASE("a convolution refuses an input of other channels than its weight's, or of other dimensions",
          "[convolution]") {
  for (const Case& c : {kCases[0], kCases[2]}) {
    const Operands given = operands_of(c);
    for (const at::Tensor& x : {given.x[0], given.x.slice(1, 1)})
      REQUIRE(test::failure_of([&] {
                convolution(x, given.weight, given.bias, c.geometry, Before::nothing);
              }).mentions("convolution: input of"));
  }
}

TEST_CASE("without gradients nothing is kept for them, and x is overwritten by its ReLU all the same",
          "[convolution]") {
  const Operands l = operands_of(kCases[0]);
  const at::Tensor weight = l.weight.clone().requires_grad_(true);
  const at::NoGradGuard no_grad;
  const at::Tensor x = l.x.clone();
  const at::Tensor y = convolution(x, weight, l.bias, kCases[0].geometry, Before::relu);
  REQUIRE(!y.requires_grad());
  REQUIRE(at::equal(x, l.x.relu()));
  REQUIRE(at::equal(y, by_torch(x, l.weight, l.bias, kCases[0].geometry)));
}

}  // namespace boxseg
