// Times the way from a JPEG to a training tensor, on one core: the authors' default augmentation, crop 321.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "common/base/files.h"
#include "common/base/log.h"
#include "common/data/augment.h"
#include "common/data/boxes.h"
#include "common/data/formats/voc/voc.h"
#include "common/data/synthetic.h"

namespace {

using namespace boxseg;

struct Input {
  fs::path path;
  std::vector<Box> boxes;
};

// Returns the first photographs of the VOC subset, or drawn ones of about their size where the shared data are missing.
const std::vector<Input>& inputs() {
  static const std::vector<Input> found = [] {
    set_log_level(LogLevel::silent);
    const char* named = std::getenv("BOXSEG_SHARED");
    const fs::path shared = named != nullptr ? named : BOXSEG_SOURCE_DIR "/../shared";
    const fs::path drawn = fs::temp_directory_path() / "boxseg-bench-synthetic";
    VocOptions options;
    options.root = shared / "voc2012-subset";
    options.splits = {{"train", "train"}};
    options.masks = "none";
    if (!fs::exists(options.root)) {
      write_synthetic(drawn, {24, 4, 320, 500, 0}, 1);
      options.root = drawn;
    }
    VocReport report;
    const Dataset dataset = index_voc(options, report);
    std::vector<Input> inputs;
    for (size_t i = 0; i < std::min<size_t>(dataset.images.size(), 64); ++i)
      inputs.push_back({dataset.image_path(dataset.images[i]), dataset.images[i].boxes});
    return inputs;
  }();
  return found;
}

void decode(benchmark::State& state) {
  size_t i = 0;
  inputs();
  for (auto _ : state) benchmark::DoNotOptimize(read_rgb(inputs()[i++ % inputs().size()].path));
}

std::vector<RgbImage> decoded() {
  std::vector<RgbImage> images;
  for (const auto& input : inputs()) images.push_back(read_rgb(input.path));
  return images;
}

// The argument `fused` is 0 for step by step over the whole scaled image, 1 for the crop only.
void augment_image(benchmark::State& state) {
  const auto images = decoded();
  size_t i = 0;
  for (auto _ : state) {
    const RgbImage& image = images[i % images.size()];
    const auto& boxes = inputs()[i % images.size()].boxes;
    const ImageSize size{image.height, image.width};
    Random random(0, "augment", 0, i++);
    const AugmentDraws draws = draw_augmentation({}, random);
    std::vector<Sample::Plane> planes = {{background_mask(boxes, size, BoxConvention::reference), 0}};
    if (state.range(0) == 1) {
      benchmark::DoNotOptimize(augmented(image, boxes, std::move(planes), 321, draws));
    } else {
      Sample sample = make_sample(image, boxes, std::move(planes));
      augment(sample, 321, draws);
      benchmark::DoNotOptimize(sample.image.data());
    }
  }
}

void jpeg_to_tensor(benchmark::State& state) {
  const Normalisation normalisation = parse_normalisation("caffe_bgr");
  size_t i = 0;
  inputs();
  for (auto _ : state) {
    const Input& input = inputs()[i % inputs().size()];
    const RgbImage image = read_rgb(input.path);
    Random random(0, "augment", 0, i++);
    const AugmentDraws draws = draw_augmentation({}, random);
    std::vector<Sample::Plane> planes = {
        {background_mask(input.boxes, {image.height, image.width}, BoxConvention::reference), 0}};
    const Sample sample = augmented(image, input.boxes, std::move(planes), 321, draws);
    benchmark::DoNotOptimize(normalise(sample.image, sample.height, sample.width, normalisation));
  }
}

BENCHMARK(decode)->Unit(benchmark::kMillisecond);
BENCHMARK(augment_image)->ArgName("fused")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(jpeg_to_tensor)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
