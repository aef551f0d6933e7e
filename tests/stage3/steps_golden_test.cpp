// Three SGD steps of the authors' stage3_vgg.py (golden/steps.h5) are repeated through the functions that `train`
// calls.
#include <cmath>

#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/train_step.h"
#include "tests/nn/paths.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;

TrainingBatch read_steps_batch(const H5Reader& file) {
  TrainingBatch batch;
  batch.images = test::caffe_input(test::read_tensor<uint8_t>(file, "in/rgb"));
  batch.labels = {test::read_tensor<uint8_t>(file, "in/mask_crf"), test::read_tensor<uint8_t>(file, "in/mask_ret")};
  batch.keys = {0, 1};
  return batch;
}

void require_within(const test::Deviation& deviation) {
  INFO(deviation.where);
  REQUIRE(deviation.worst <= 1);
}

void run_steps(const test::Path& on, int64_t steps, int64_t micro_batch) {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/steps.h5");
  const auto network = test::steps_network(file, "stage3");
  network->to(on.device);
  const TrainingBatch batch = read_steps_batch(file);
  const auto losses = file.read<double>("stage3/loss"), errors = file.read<double>("stage3/err_loss");
  const auto rates = file.read<double>("stage3/learning_rate");
  const std::vector<at::Tensor> start = test::values_of(*network);
  Schedule schedule;
  schedule.kind = "poly";
  schedule.iterations = 23805;
  Sgd sgd(network->parameters(), {});
  for (int64_t step = 0; step < steps; ++step) {
    INFO("step " << step);
    for (int group = 0; group < 4; ++group)
      REQUIRE(sgd.rate(static_cast<ParameterGroup>(group), schedule.factor(step + 1)) ==
              Approx(rates[static_cast<size_t>(4 * step + group)]).epsilon(1e-12));
    const Pass pass;  // not training, as the golden run: no dropout
    const StepReport report = train_step(*network, batch, loss_options(Stage3Options()), pass, micro_batch);
    for (size_t i = 0; i < 3; ++i) {
      const size_t at = static_cast<size_t>(3 * step) + i;
      INFO(report.at(i).first);
      REQUIRE(std::abs(report.at(i).second - losses[at]) <= 4 * errors[at]);
    }
    require_within(test::steps_deviation(file, "stage3", "gradient_probe", step, test::gradients_of(*network)));
    sgd.step(schedule.factor(step + 1));
    const std::vector<at::Tensor> values = test::values_of(*network);
    std::vector<at::Tensor> changes;
    for (size_t i = 0; i < values.size(); ++i) changes.push_back(values[i] - start[i]);
    require_within(test::steps_deviation(file, "stage3", "parameter_probe", step, values));
    require_within(test::steps_deviation(file, "stage3", "change_probe", step, changes));
  }
  if (steps < 3) return;
  std::vector<at::Tensor> momentum;
  for (const auto& [name, value] : sgd.momentum()) momentum.push_back(value);
  require_within(test::steps_deviation(file, "stage3", "momentum_probe", -1, momentum));
}

}  // namespace

EACH_PATH_TEST_CASE("three SGD steps of stage 3 are the authors': losses, rates, gradients, weights, momentum",
                    "[golden]") {
  run_steps(on, 3, 0);
}

EACH_PATH_TEST_CASE("with one image at a time the first step is still the authors'", "[golden]") {
  run_steps(on, 1, 1);
}

TEST_CASE("the sum of the confidences in the first step is the authors'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/steps.h5");
  const auto network = test::steps_network(file, "stage3");
  const TrainingBatch batch = read_steps_batch(file);
  const at::NoGradGuard guard;
  const at::Tensor scores = cosine_scores(network->features(batch.images, Pass{}), network->classifier_weight());
  const LossSums sums = loss_sums(scores, batch.labels, {});
  REQUIRE(std::abs(sums.confidence - file.read<double>("stage3/sigma_sum")[0]) <=
          4 * file.read<double>("stage3/err_sigma_sum")[0]);
  REQUIRE(sums.reliable == file.attribute<int64_t>("stage3", "reliable_pixels"));
  REQUIRE(sums.unreliable == file.attribute<int64_t>("stage3", "unreliable_pixels"));
}
