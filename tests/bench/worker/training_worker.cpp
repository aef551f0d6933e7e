// Runs whole training steps of stages 1 and 3 on a given batch: network, objective, backward pass, SGD.
#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "common/base/hash.h"
#include "common/ops/tensor_runtime.h"
#include "stage1_classify/training_step.h"
#include "stage3_segment/train_step.h"
#include "tests/bench/worker/serve.h"
#include "tests/bench/worker/tensors.h"
#include "tests/stage1/golden_batch.h"

namespace boxseg::bench {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Counts the time that this thread spends in convolutions, ours and LibTorch's, and their backward passes (autograd on
// a CPU stays on it).
double convolution_seconds = 0;
constexpr const char* kConvolutions[] = {"aten::convolution", "aten::convolution_backward",
                                         "boxseg::convolution_backward"};

struct Started : at::ObserverContext {
  Clock::time_point at = Clock::now();
};

std::unique_ptr<at::ObserverContext> when_started(const at::RecordFunction& function) {
  const char* name = function.name();
  const bool is_convolution = std::any_of(std::begin(kConvolutions), std::end(kConvolutions),
                                          [&](const char* of) { return std::strcmp(name, of) == 0; });
  return is_convolution ? std::make_unique<Started>() : nullptr;
}

void when_ended(const at::RecordFunction&, at::ObserverContext* context) {
  if (context != nullptr) convolution_seconds += seconds_since(static_cast<Started*>(context)->at);
}

std::vector<TrainingSample> stage1_batch(const test::GoldenBatch& golden, const at::Tensor& images) {
  std::vector<TrainingSample> batch;
  for (int64_t n = 0; n < images.size(0); ++n) {
    const BapImage& of = golden.images[static_cast<size_t>(n)];
    const auto [height, width] = golden.mask_size;
    TrainingSample sample;
    sample.image_key = stable_hash64(std::to_string(n));
    sample.height = height, sample.width = width;
    const float* pixels = images[n].const_data_ptr<float>();
    sample.input.assign(pixels, pixels + images[n].numel());
    sample.background.assign(of.background_mask, of.background_mask + height * width);
    sample.boxes = of.boxes;
    batch.push_back(std::move(sample));
  }
  return batch;
}

TrainingBatch stage3_batch(const H5Reader& input, const at::Tensor& images) {
  TrainingBatch batch{
      images, {read_tensor<uint8_t>(input, "in/mask_crf"), read_tensor<uint8_t>(input, "in/mask_ret")}, {}};
  for (int64_t n = 0; n < images.size(0); ++n) batch.keys.push_back(stable_hash64(std::to_string(n)));
  return batch;
}

void write_gradients(H5Writer& output, const Network& network) {
  for (const Parameter& p : network.parameters())
    if (const std::string& n = p.name; n == "backbone.conv1_1.weight" || n == "backbone.conv4_1.weight" ||
                                       n == "backbone.fc7.bias" || n == "classifier.weight")
      write_tensor(output, "gradients/" + n, p.value.grad());
}

void run(const Arguments& arguments) {
  const bool is_stage1 = arguments[0] == "1";
  start_tensor_runtime(std::stoi(arguments[5]));
  const H5Reader input(arguments[1]);
  const at::Tensor images = read_tensor<float>(input, "in/images");
  const test::GoldenBatch golden = test::read_batch(input, "in");
  const std::vector<TrainingSample> samples = stage1_batch(golden, images);
  const TrainingBatch batch = stage3_batch(input, images);
  const auto network = std::move(load_network(arguments[2], at::kCPU, is_stage1 ? "plain" : "largefov").network);
  Sgd sgd(network->parameters(), {.learning_rate = std::stod(arguments[4])});
  H5Writer output(arguments[3]);
  at::addThreadLocalCallback(at::RecordFunctionCallback(when_started, when_ended).scopes({at::RecordScope::FUNCTION}));
  double seconds = 0;
  Pass pass;  // the first round goes without dropout, and its results are kept
  serve([&] {
    const auto start = Clock::now();
    const StepReport report =
        is_stage1 ? training_step(*network, samples, {}, pass) : train_step(*network, batch, LossOptions(), pass);
    if (!pass.is_training) {
      output.write<double>("loss", std::vector<double>{report.front().second});
      write_gradients(output, *network);
    }
    sgd.step(1);
    if (pass.is_training)
      seconds += seconds_since(start);
    else
      convolution_seconds = 0;
    pass.is_training = true;
    ++pass.step;
  });
  output.write<double>("share_outside_convolutions", std::vector<double>{1 - convolution_seconds / seconds});
  output.close_and_commit();
}

const Verb verb("training", "1|3 INPUT WEIGHTS OUTPUT LEARNING_RATE THREADS", 6, run);

}  // namespace
}  // namespace boxseg::bench
