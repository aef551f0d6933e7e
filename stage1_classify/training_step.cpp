#include "stage1_classify/training_step.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "common/base/error.h"
#include "common/ops/transfer.h"
#include "stage1_classify/labeler.h"

namespace boxseg {
namespace {

at::Tensor stacked_inputs(std::span<const TrainingSample> samples, const at::Device& device) {
  const TrainingSample& first = samples.front();
  const auto count = static_cast<int64_t>(samples.size());
  const at::Tensor input = empty_for_upload({count, 3, first.height, first.width}, at::kFloat, device);
  float* out = input.mutable_data_ptr<float>();
  for (const TrainingSample& s : samples) {
    ensure(s.height == first.height && s.width == first.width, "a batch of {}x{} and {}x{} crops", first.width,
           first.height, s.width, s.height);
    std::memcpy(out, s.input.data(), s.input.size() * sizeof(float));
    out += s.input.size();
  }
  return upload(input, device);
}

std::shared_ptr<const BapPlan> plan_of(std::span<const TrainingSample> samples, const at::Tensor& features,
                                       const StepOptions& options) {
  std::vector<BapImage> images;
  for (const TrainingSample& s : samples) images.push_back({s.background.data(), s.boxes});
  const ImageSize size{samples.front().height, samples.front().width};
  return std::make_shared<const BapPlan>(
      make_bap_plan(images, size, features.size(2), features.size(3), options.grid, options.roi, options.pooling));
}

struct Outcome {
  double loss, correct_boxes;
};
// Fetches both numbers in one download.
Outcome outcome_of(const LabelerResult& result) {
  const int64_t boxes = result.pooled.box_vectors.size(0);
  const at::Tensor correct =
      result.logits.detach().slice(0, 0, boxes).argmax(1).eq(result.target.slice(0, 0, boxes)).sum();
  const at::Tensor both = download(at::stack({result.loss.detach().to(at::kDouble), correct.to(at::kDouble)}));
  return {both.const_data_ptr<double>()[0], both.const_data_ptr<double>()[1]};
}

}  // namespace

StepReport training_step(Network& network, const std::vector<TrainingSample>& batch, const StepOptions& options,
                         Pass pass, int64_t* dropped_boxes) {
  ensure(!batch.empty(), "stage 1: an empty batch");
  const auto images = static_cast<int64_t>(batch.size());
  const int64_t part = options.micro_batch > 0 ? std::min(options.micro_batch, images) : images;
  std::vector<std::span<const TrainingSample>> parts;
  for (int64_t i = 0; i < images; i += part)
    parts.emplace_back(batch.data() + i, static_cast<size_t>(std::min(part, images - i)));

  double loss = 0, correct = 0;
  int64_t vectors = 0, box_vectors = 0;
  std::vector<std::shared_ptr<const BapPlan>> plans;
  for (size_t i = 0; i < parts.size(); ++i) {
    pass.image_keys.clear();
    for (const TrainingSample& s : parts[i]) pass.image_keys.push_back(s.image_key);
    const at::Tensor features = network.features(stacked_inputs(parts[i], network.device()), pass);
    // Only now the features' size is known, which decides what is pooled.
    if (plans.empty())
      for (const auto& samples : parts) {
        plans.push_back(plan_of(samples, features, options));
        box_vectors += static_cast<int64_t>(plans.back()->boxes.size()) * plans.back()->windows();
        vectors += static_cast<int64_t>(plans.back()->target().size());
        if (dropped_boxes != nullptr) *dropped_boxes += plans.back()->dropped_boxes;
      }
    const LabelerResult result = label_batch(features, network.classifier_weight(), plans[i], vectors);
    result.loss.backward();
    const Outcome outcome = outcome_of(result);
    loss += outcome.loss;
    correct += outcome.correct_boxes;
  }
  const double accuracy = box_vectors == 0 ? 1.0 : correct / static_cast<double>(box_vectors);
  return {{"loss", loss}, {"box_accuracy", accuracy}};
}

}  // namespace boxseg
