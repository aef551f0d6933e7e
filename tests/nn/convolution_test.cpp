// Convolutions with and without the ReLU before them, against LibTorch's two nodes.
#include "common/nn/convolution.h"

#include <ATen/Functions.h>

#include <catch2/catch.hpp>

#include "common/base/random.h"
#include "common/nn/winograd.h"
#include "tests/support/support.h"

namespace boxseg {
namespace {

struct Case {
  int64_t inputs, outputs, kernel, size;
  ConvolutionGeometry geometry;
  bool has_bias, has_winograd;
};

const std::vector<Case> kCases = {
    {128, 130, 3, 12, {1, 1, 1, 1}, true, true},   {128, 128, 3, 30, {1, 2, 2, 1}, false, true},
    {8, 6, 3, 11, {1, 1, 1, 1}, true, false},      {8, 6, 3, 11, {2, 1, 1, 1}, false, false},
    {8, 6, 1, 7, {1, 0, 1, 1}, true, false},       {8, 8, 3, 9, {1, 1, 1, 8}, true, false},
};

at::Tensor drawn(Random& random, at::IntArrayRef shape) {
  const at::Tensor t = at::empty(shape, at::kFloat);
  float* p = t.mutable_data_ptr<float>();
  for (int64_t i = 0; i < t.numel(); ++i) p[i] = static_cast<float>(random.normal());
  return t;
}

struct Leaves {
  at::Tensor x, weight, bias;
};

Leaves leaves_of(const Case& c) {
  Random random(0, "convolution", static_cast<uint64_t>(c.inputs), static_cast<uint64_t>(c.size));
  Leaves l{drawn(random, {2, c.inputs, c.size, c.size}),
           drawn(random, {c.outputs, c.inputs / c.geometry.groups, c.kernel, c.kernel}), {}};
  if (c.has_bias) l.bias = drawn(random, {c.outputs}).requires_grad_(true);
  l.x.requires_grad_(true), l.weight.requires_grad_(true);
  return l;
}

at::Tensor by_torch(const at::Tensor& x, const Leaves& l, const ConvolutionGeometry& g) {
  return at::conv2d(x, l.weight, l.bias, {g.stride, g.stride}, {g.padding, g.padding}, {g.dilation, g.dilation}, g.groups);
}

void require_equal_or_near(const at::Tensor& ours, const at::Tensor& theirs, bool is_near) {
  REQUIRE(ours.defined());
  REQUIRE(ours.sizes() == theirs.sizes());
  if (is_near) REQUIRE(((ours - theirs).abs().max() / theirs.abs().max()).item<double>() < 1e-5);
  else REQUIRE(at::equal(ours, theirs));
}

}  // namespace

TEST_CASE("a convolution has LibTorch's output, and its gradients where they are not Winograd's", "[convolution]") {
  for (const Case& c : kCases) {
    CAPTURE(c.inputs, c.outputs, c.kernel, c.size);
    for (const Before before : {Before::nothing, Before::relu}) {
      const Leaves ours = leaves_of(c), theirs = leaves_of(c);
      REQUIRE(suits_winograd(ours.x, ours.weight, c.geometry) == c.has_winograd);
      // Twice x is not a leaf, as the output of another layer.
      const at::Tensor y = convolution(ours.x * 2, ours.weight, ours.bias, c.geometry, before);
      const at::Tensor in = theirs.x * 2, z = by_torch(before == Before::relu ? in.relu() : in, theirs, c.geometry);
      REQUIRE(at::equal(y, z));
      const at::Tensor grad = at::arange(z.numel(), at::kFloat).view(z.sizes()).sin();
      y.backward(grad);
      z.backward(grad);
      require_equal_or_near(ours.x.grad(), theirs.x.grad(), c.has_winograd);
      require_equal_or_near(ours.weight.grad(), theirs.weight.grad(), c.has_winograd);
      if (c.has_bias) require_equal_or_near(ours.bias.grad(), theirs.bias.grad(), c.has_winograd);
      if (before == Before::relu) REQUIRE(at::equal(ours.x.grad() == 0, ours.x <= 0));  // masked exactly
    }
  }
}

TEST_CASE("gradients are made for those that ask, add up, and take any layout", "[convolution]") {
  for (const Case& c : {kCases[0], kCases[2]})
    for (const Before before : {Before::nothing, Before::relu}) {
      const Leaves whole = leaves_of(c), some = leaves_of(c);
      const at::Tensor grad = at::ones({2, c.outputs, c.size, c.size});
      convolution(whole.x * 1, whole.weight, whole.bias, c.geometry, before).backward(grad);
      const at::Tensor plain = some.x.detach(), fixed_bias = some.bias.detach();
      const at::Tensor spread = plain.transpose(2, 3).contiguous().transpose(2, 3);
      REQUIRE(!spread.is_contiguous());
      for (const at::Tensor& x : {plain.clone(), spread})
        convolution(x, some.weight, fixed_bias, c.geometry, before).backward(grad.transpose(2, 3));
      REQUIRE(at::equal(some.weight.grad(), 2 * whole.weight.grad()));
      REQUIRE(!fixed_bias.grad().defined());
    }
}

TEST_CASE("without gradients nothing is kept for them, and x is overwritten by its ReLU all the same", "[convolution]") {
  const Leaves l = leaves_of(kCases[0]);
  const at::NoGradGuard no_grad;
  const at::Tensor x = l.x.detach().clone();
  const at::Tensor y = convolution(x, l.weight, l.bias, kCases[0].geometry, Before::relu);
  REQUIRE(!y.requires_grad());
  REQUIRE(at::equal(x, l.x.relu()));
  REQUIRE(at::equal(y, by_torch(x, l, kCases[0].geometry)));
}

}  // namespace boxseg
