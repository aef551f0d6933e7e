// Times EfficientNet-Lite0 at the crop size of the voc_subset preset, in its frozen, folded form against layer by
// layer, and one training step of its head; VGG-16's pools; VGG-16 forward, and with its backward pass. Args: threads,
// images.
#include <ATen/Functions.h>
#include <benchmark/benchmark.h>

#include <vector>

#include "common/networks/efficientnet_lite0.h"
#include "common/ops/relu_max_pool.h"
#include "common/ops/tensor_runtime.h"

namespace boxseg {
namespace {

void per_image(benchmark::State& state) { state.SetItemsProcessed(state.iterations() * state.range(1)); }

void lite0_folded(benchmark::State& state) {
  start_tensor_runtime(static_cast<int>(state.range(0)));
  const at::NoGradGuard no_grad;
  EfficientNetLite0 network(NetworkSpec{.output_stride = 16}, {.seed = 1});
  const at::Tensor input = at::randn({state.range(1), 3, 321, 321});
  for (auto _ : state) benchmark::DoNotOptimize(network.trunk(input, {}).const_data_ptr());
  per_image(state);
}

void lite0_layers(benchmark::State& state) {
  start_tensor_runtime(static_cast<int>(state.range(0)));
  const at::NoGradGuard no_grad;
  EfficientNetLite0 network(NetworkSpec{.output_stride = 16}, {.seed = 1});
  const at::Tensor input = at::randn({state.range(1), 3, 321, 321});
  for (auto _ : state) {
    std::vector<at::Tensor> taps;
    benchmark::DoNotOptimize(network.trunk(input, {}, &taps).const_data_ptr());
  }
  per_image(state);
}

void lite0_frozen_step(benchmark::State& state) {
  start_tensor_runtime(static_cast<int>(state.range(0)));
  const auto network = make_network({.backbone = "efficientnet_lite0"}, 1);
  const at::Tensor input = at::randn({state.range(1), 3, 321, 321});
  Pass pass{.is_training = true, .freeze_backbone = true};
  pass.image_keys.assign(static_cast<size_t>(state.range(1)), 1);
  for (auto _ : state) network->features(input, pass).sum().backward();
  per_image(state);
}

void vgg16_forward(benchmark::State& state) {
  start_tensor_runtime(static_cast<int>(state.range(0)));
  const at::NoGradGuard no_grad;
  const auto network = make_network({.backbone = "vgg16"}, 1);
  const at::Tensor input = at::randn({state.range(1), 3, 321, 321});
  for (auto _ : state) benchmark::DoNotOptimize(network->features(input, {}).const_data_ptr());
  per_image(state);
}

void vgg16_step(benchmark::State& state) {
  start_tensor_runtime(static_cast<int>(state.range(0)));
  const auto network = make_network({.backbone = "vgg16"}, 1);
  const at::Tensor input = at::randn({state.range(1), 3, 321, 321});
  Pass pass{.is_training = true};
  pass.image_keys.assign(static_cast<size_t>(state.range(1)), 1);
  for (auto _ : state) network->features(input, pass).sum().backward();
  per_image(state);
}

// Times the first and largest of VGG-16's pools.
void relu_max_pool_forward(benchmark::State& state) {
  start_tensor_runtime(static_cast<int>(state.range(0)));
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({state.range(1), 64, 321, 321});
  for (auto _ : state) benchmark::DoNotOptimize(relu_max_pool(x, 2).const_data_ptr());
  per_image(state);
}

void relu_max_pool_backward(benchmark::State& state) {
  start_tensor_runtime(static_cast<int>(state.range(0)));
  const at::Tensor x = at::randn({state.range(1), 64, 321, 321}).requires_grad_(true);
  const at::Tensor out = relu_max_pool(x, 2), grad = at::randn_like(out);
  for (auto _ : state) {
    x.mutable_grad().reset();
    out.backward(grad, /*retain_graph=*/true);
  }
  per_image(state);
}

BENCHMARK(lite0_folded)->Args({1, 10})->Args({2, 10})->Args({2, 1})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(lite0_layers)->Args({1, 10})->Args({2, 10})->Args({2, 1})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(lite0_frozen_step)->Args({2, 10})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(relu_max_pool_forward)->Args({1, 2})->Args({2, 2})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(relu_max_pool_backward)->Args({1, 2})->Args({2, 2})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(vgg16_forward)->Args({2, 1})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(vgg16_step)->Args({2, 1})->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace boxseg

BENCHMARK_MAIN();
