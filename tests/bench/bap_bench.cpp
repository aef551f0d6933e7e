// Times stage 1's objective at the authors' training size: features are given, and it goes forward and backward.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <vector>

#include "common/base/random.h"
#include "common/ops/gram_maps.h"
#include "stage1_classify/labeler.h"

namespace boxseg {
namespace {

struct Batch {
  std::vector<std::vector<uint8_t>> masks;
  std::vector<BapImage> images;
  at::Tensor features, weight;
};

// Makes 20 crops of 321x321 with 1 to 4 boxes each (50 in all), 1024 channels on 41x41 cells, 21 classes.
Batch make_batch() {
  constexpr int64_t kImages = 20, kSide = 321;
  Batch batch;
  Random random(0, "bap bench");
  for (int64_t n = 0; n < kImages; ++n) {
    std::vector<uint8_t> mask(kSide * kSide, 1);
    BapImage image;
    for (int64_t b = 0; b < 1 + n % 4; ++b) {
      const double x = random.uniform(0.15, 0.85), y = random.uniform(0.15, 0.85);
      const double rx = random.uniform(0.08, 0.33), ry = random.uniform(0.08, 0.33);
      const auto pixel = [](double v) { return std::clamp(v, 0.01, 0.99) * (kSide - 1); };
      const double x0 = pixel(x - rx), x1 = pixel(x + rx), y0 = pixel(y - ry), y1 = pixel(y + ry),
                   half = (kSide - 1) / 2.0;
      image.boxes.push_back({float(x0 / half - 1), float(y0 / half - 1), float(x1 / half - 1), float(y1 / half - 1),
                             1 + random.below(20)});
      for (auto v = static_cast<int64_t>(y0); v < static_cast<int64_t>(y1); ++v)
        std::fill(mask.begin() + v * kSide + static_cast<int64_t>(x0),
                  mask.begin() + v * kSide + static_cast<int64_t>(x1), 0);
    }
    batch.masks.push_back(std::move(mask));
    image.background_mask = batch.masks.back().data();
    batch.images.push_back(image);
  }
  batch.features = at::relu(at::randn({kImages, 1024, 41, 41}));
  batch.weight = at::randn({21, 1024}) * 0.01;
  return batch;
}

void bap_forward_backward(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  const Batch batch = make_batch();
  const auto pooling = state.range(1) == 0 ? Pooling::bap : Pooling::gap;
  for (auto _ : state) {
    const at::Tensor features = batch.features.detach().requires_grad_(),
                     weight = batch.weight.detach().requires_grad_();
    const auto plan = std::make_shared<const BapPlan>(make_bap_plan(batch.images, {321, 321}, 41, 41, 4, 2, pooling));
    label_batch(features, weight, plan).loss.backward();
    benchmark::DoNotOptimize(features.grad().const_data_ptr());
  }
}

void gram_forward(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  const at::Tensor features = make_batch().features;
  for (auto _ : state) benchmark::DoNotOptimize(gram_maps(features));
}

void gram_backward(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  const at::Tensor features = make_batch().features, grad = at::randn({20, 5, 41, 41});
  at::Tensor sum = at::zeros_like(features);
  for (auto _ : state) add_gram_maps_backward(sum, grad, features);
}

}  // namespace
}  // namespace boxseg

BENCHMARK(boxseg::bap_forward_backward)
    ->ArgNames({"threads", "gap"})
    ->Args({1, 0})
    ->Args({2, 0})
    ->Args({2, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(boxseg::gram_forward)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(boxseg::gram_backward)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_MAIN();
