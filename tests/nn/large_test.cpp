#include "tests/nn/large.h"

#include "common/ops/gram_maps.h"
#include "common/ops/relu_max_pool.h"

#include "tests/support/catch.h"

namespace boxseg {
using test::Scale;

LARGE_TEST_CASE("Gram maps and their adjoint on the device path are the CPU's in double, at training size", "[cpu]") {
  Random random(0, "large gram maps");
  const int64_t images = scale == Scale::training ? 20 : 2, channels = scale == Scale::training ? 1024 : 130;
  const at::Tensor f = test::normal_tensor(random, {images, channels, 41, 41}, at::kDouble);
  const at::Tensor g = test::normal_tensor(random, {images, 5, 41, 41}, at::kDouble);
  const at::Tensor maps = gram_maps(f), back = gram_maps_backward(g, f);
  const auto [found, found_back] = test::on_device_path([&] {
    const at::Tensor there = on(f.to(at::kFloat));
    return std::pair(gram_maps(there).cpu(), gram_maps_backward(on(g.to(at::kFloat)), there).cpu());
  });
  CHECK(test::error_of(found, maps) < 1e-6);
  CHECK(test::error_of(found_back, back) < 1e-6);
}

LARGE_TEST_CASE("ReLU with maximum on the device path has the CPU's bits at training size", "[cpu]") {
  Random random(0, "large max pool");
  const int64_t side = scale == Scale::training ? 321 : 65;
  for (const int64_t stride : {1, 2}) {
    const at::Tensor x = test::normal_tensor(random, {2, 64, side, side}).mul_(4).round_();  // many equal values
    const auto run = [&](const at::Tensor& given) {
      const at::Tensor leaf = given.clone().requires_grad_(true), out = relu_max_pool(leaf, stride);
      out.backward(at::arange(out.numel(), at::kFloat).remainder_(17).view(out.sizes()).to(out.device()));
      return std::pair(out.detach().cpu(), leaf.grad().cpu());
    };
    const auto expected = run(x);
    const auto found = test::on_device_path([&] { return run(on(x)); });
    CHECK(at::equal(found.first, expected.first));
    CHECK(at::equal(found.second, expected.second));
  }
}

}  // namespace boxseg
