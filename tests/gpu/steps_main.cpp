// Times training steps of stages 1 and 3 with VGG-16 from a seed on a made-up batch in memory, one by one, for
// check.sh. A step's report reads the loss, and SGD's update is waited for by the next one, so on a card, too, a step
// is complete when the one after it has ended: the mean over many is their true time. "timing" is printed when the
// warm-up is over, so that others can start to look at the card then; one line of JSON follows.
#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/options.h"
#include "common/base/random.h"
#include "common/ops/tensor_runtime.h"
#include "common/runtime/heap.h"
#include "common/runtime/parallel.h"
#include "common/runtime/program.h"
#include "common/training/trainer.h"
#include "stage1_classify/training_step.h"
#include "stage3_segment/train_step.h"

namespace boxseg {
namespace {

struct StepsOptions {
  int64_t stage = 1, batch = 20, size = 321, warm_up = 5, steps = 20;
  std::string backbone = "vgg16", precision = "exact";

  void declare(Options& o) {
    o.add("stage", &stage, "1 (BAP, cross entropy) or 3 (LargeFOV, NAL)");
    o.add("batch", &batch, "images per step");
    o.add("size", &size, "pixels along both sides");
    o.add("warm-up", &warm_up, "steps that are not timed");
    o.add("steps", &steps, "steps that are");
    o.add("backbone", &backbone, "of the network");
    o.add_choice("precision", &precision, {"exact", "fast"}, "exact: float32, reproducible; fast: for a card");
  }
};

// Makes 1 to 4 boxes an image, 50 for 20 images, and what lies outside all of them, as in the races against the
// authors' loops.
std::vector<TrainingSample> made_up_samples(const StepsOptions& o, uint64_t seed) {
  std::vector<TrainingSample> batch(static_cast<size_t>(o.batch));
  const auto pixels = static_cast<size_t>(o.size * o.size);
  for (size_t n = 0; n < batch.size(); ++n) {
    TrainingSample& sample = batch[n];
    Random random(seed, "made-up batch", n);
    sample.image_key = stable_hash64(std::to_string(n));
    sample.height = sample.width = o.size;
    sample.input.resize(3 * pixels);
    for (float& value : sample.input) value = static_cast<float>(50 * random.normal());
    sample.background.assign(pixels, 1);
    for (size_t k = 0; k < 1 + n % 4; ++k) {
      std::array<double, 4> box{};
      for (size_t axis = 0; axis < 2; ++axis) {
        const double centre = random.uniform(.15, .85), half = random.uniform(.08, .33);
        box[axis] = std::max(centre - half, .01), box[axis + 2] = std::min(centre + half, .99);
      }
      sample.boxes.push_back({static_cast<float>(2 * box[0] - 1), static_cast<float>(2 * box[1] - 1),
                              static_cast<float>(2 * box[2] - 1), static_cast<float>(2 * box[3] - 1),
                              1 + random.below(20)});
      const auto pixel = [&](double share) { return static_cast<int64_t>(share * static_cast<double>(o.size - 1)); };
      for (int64_t y = pixel(box[1]); y < pixel(box[3]); ++y)
        std::fill_n(sample.background.begin() + y * o.size + pixel(box[0]), pixel(box[2]) - pixel(box[0]), uint8_t{0});
    }
  }
  return batch;
}

// Takes the same images; the two label maps are a box's class where the background ends, and differ at a tenth of the
// pixels.
TrainingBatch made_up_labels(const StepsOptions& o, const std::vector<TrainingSample>& samples, uint64_t seed) {
  TrainingBatch batch{
      at::empty({o.batch, 3, o.size, o.size}, at::kFloat),
      {at::zeros({o.batch, o.size, o.size}, at::kByte), at::zeros({o.batch, o.size, o.size}, at::kByte)},
      {}};
  const auto pixels = static_cast<size_t>(o.size * o.size);
  for (size_t n = 0; n < samples.size(); ++n) {
    const TrainingSample& sample = samples[n];
    Random random(seed, "made-up labels", n);
    std::copy(sample.input.begin(), sample.input.end(), batch.images.mutable_data_ptr<float>() + n * 3 * pixels);
    uint8_t* label = batch.labels.label.mutable_data_ptr<uint8_t>() + n * pixels;
    uint8_t* other = batch.labels.other.mutable_data_ptr<uint8_t>() + n * pixels;
    for (size_t i = 0; i < pixels; ++i) {
      label[i] = sample.background[i] != 0 ? uint8_t{0} : static_cast<uint8_t>(sample.boxes.front().class_id);
      other[i] = random.uniform() < .1 ? static_cast<uint8_t>(random.below(21)) : label[i];
    }
    batch.keys.push_back(sample.image_key);
  }
  return batch;
}

int body(int argc, char** argv) {
  StepsOptions o;
  Options options({"gpu_steps", "Times training steps with a network from a seed.",
                   "gpu_steps --stage 3 --device cuda --precision fast", "", "1"});
  o.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (o.stage != 1 && o.stage != 3) fail_usage("--stage {}: it is 1 or 3", o.stage);
  if (o.batch < 1 || o.size < 33 || o.steps < 1 || o.warm_up < 0)
    fail_usage("--batch, --steps: at least 1; --size: at least 33; --warm-up: at least 0");
  const auto seed = static_cast<uint64_t>(options.seed);
  keep_freed_memory();
  start_tensor_runtime(resolve_threads(options.threads));
  const at::Device device = choose_device(options.device, o.precision).device;

  const std::vector<TrainingSample> samples = made_up_samples(o, seed);
  TrainingBatch batch = made_up_labels(o, samples, seed);
  batch = {batch.images.to(device), {batch.labels.label.to(device), batch.labels.other.to(device)}, batch.keys};
  const std::string head = o.stage == 3 && o.backbone == "vgg16" ? "largefov" : "plain";
  const auto network = make_network({.backbone = o.backbone, .head = head}, seed);
  network->to(device);
  // The rate is too low to diverge on one batch again and again.
  Sgd sgd(network->parameters(), {.learning_rate = 1e-7});
  Pass pass;
  pass.is_training = true;
  pass.seed = seed;

  using Clock = std::chrono::steady_clock;
  std::vector<double> ms;
  double loss = 0;
  auto start = Clock::now();
  for (int64_t step = 0; step < o.warm_up + o.steps; ++step) {
    if (step == o.warm_up) {
      std::puts("timing");
      std::fflush(stdout);
      start = Clock::now();
    }
    pass.step = static_cast<uint64_t>(step);
    const StepReport report =
        o.stage == 1 ? training_step(*network, samples, {}, pass) : train_step(*network, batch, LossOptions(), pass);
    sgd.step(1);
    loss = report.front().second;
    const auto now = Clock::now();
    if (step >= o.warm_up) ms.push_back(std::chrono::duration<double, std::milli>(now - start).count());
    start = now;
  }
  std::sort(ms.begin(), ms.end());
  double sum = 0;
  for (const double value : ms) sum += value;
  std::printf(
      "{\"ms\": %.3f, \"median_ms\": %.3f, \"lowest_ms\": %.3f, \"highest_ms\": %.3f, \"steps\": %zu, \"loss\": "
      "%.6g}\n",
      sum / static_cast<double>(ms.size()), ms[ms.size() / 2], ms.front(), ms.back(), ms.size(), loss);
  return 0;
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("gpu_steps", argc, argv, boxseg::body); }
