#include <cmath>

#include "stage1_classify/training_step.h"
#include "tests/nn/paths.h"
#include "tests/stage1/golden_batch.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

std::vector<TrainingSample> read_samples(const H5Reader& file) {
  const test::GoldenBatch batch = test::read_batch(file, "in");
  const at::Tensor input = test::caffe_input(test::read_tensor<uint8_t>(file, "in/rgb"));
  std::vector<TrainingSample> samples;
  for (size_t n = 0; n < batch.images.size(); ++n) {
    TrainingSample s;
    s.height = batch.mask_size.height;
    s.width = batch.mask_size.width;
    const at::Tensor image = input[static_cast<int64_t>(n)].contiguous();
    s.input.assign(image.const_data_ptr<float>(), image.const_data_ptr<float>() + image.numel());
    const uint8_t* mask = batch.images[n].background_mask;
    s.background.assign(mask, mask + s.height * s.width);
    s.boxes = batch.images[n].boxes;
    samples.push_back(s);
  }
  return samples;
}

void require_within(const test::Deviation& deviation) {
  INFO(deviation.where);
  REQUIRE(deviation.worst <= 1);
}

}  // namespace

EACH_PATH_TEST_CASE("three SGD steps of stage 1 are the authors': losses, rates, gradients, weights, momentum",
                    "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/steps.h5");
  const auto network = test::steps_network(file, "stage1");
  network->to(on.device);
  const std::vector<TrainingSample> samples = read_samples(file);
  const auto losses = file.read<double>("stage1/loss"), loss_errors = file.read<double>("stage1/err_loss");
  const auto rates = file.read<double>("stage1/learning_rate");
  const std::vector<at::Tensor> start = test::values_of(*network);
  Schedule schedule;
  schedule.milestones = {5000};
  Sgd sgd(network->parameters(), {});
  for (int64_t step = 0; step < 3; ++step) {
    INFO("step " << step);
    for (int group = 0; group < 4; ++group)
      REQUIRE(sgd.rate(static_cast<ParameterGroup>(group), schedule.factor(step + 1)) ==
              Approx(rates[static_cast<size_t>(4 * step + group)]).epsilon(1e-12));
    Pass pass;  // not training, as the golden run: no dropout
    const StepReport report = training_step(*network, samples, {}, pass);
    REQUIRE(std::abs(report.at(0).second - losses[static_cast<size_t>(step)]) <=
            4 * loss_errors[static_cast<size_t>(step)]);
    require_within(test::steps_deviation(file, "stage1", "gradient_probe", step, test::gradients_of(*network)));
    sgd.step(schedule.factor(step + 1));
    const std::vector<at::Tensor> values = test::values_of(*network);
    std::vector<at::Tensor> changes;
    for (size_t i = 0; i < values.size(); ++i) changes.push_back(values[i] - start[i]);
    require_within(test::steps_deviation(file, "stage1", "parameter_probe", step, values));
    require_within(test::steps_deviation(file, "stage1", "change_probe", step, changes));
  }
  std::vector<at::Tensor> momentum;
  for (const auto& [name, value] : sgd.momentum()) momentum.push_back(value);
  require_within(test::steps_deviation(file, "stage1", "momentum_probe", -1, momentum));
}

}  // namespace boxseg
