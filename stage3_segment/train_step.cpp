#include "stage3_segment/train_step.h"

#include <algorithm>
#include <map>

#include "common/base/error.h"
#include "common/ops/transfer.h"
#include "stage3_segment/cosine_scores.h"

namespace boxseg {
namespace {

using Kind = LossOptions::Kind;

// Holds images first .. first+count of a batch, on the network's device.
struct Part {
  at::Tensor images;
  LossLabels labels;
  Pass pass;
};

Part part_of(const TrainingBatch& batch, const Pass& pass, int64_t first, int64_t count, const at::Device& device) {
  const auto cut = [&](const at::Tensor& all) {
    return all.defined() ? upload(all.narrow(0, first, count), device) : all;
  };
  Part part{cut(batch.images), {cut(batch.labels.label), cut(batch.labels.other)}, pass};
  part.pass.image_keys.assign(batch.keys.begin() + first, batch.keys.begin() + first + count);
  return part;
}

at::Tensor scores_of(Network& network, const Part& part) {
  return cosine_scores(network.features(part.images, part.pass), network.classifier_weight());
}

// Holds the scores twice, for the logits and for the confidence, where their gradients take different ways.
struct ScorePair {
  at::Tensor logits, confidence;
};

ScorePair score_pair_of(Network& network, const Part& part, const LossOptions& options) {
  const at::Tensor features = network.features(part.images, part.pass);
  const at::Tensor& weight = network.classifier_weight();
  const at::Tensor logits = cosine_scores(features, weight);
  return {logits, options.is_classifier_detached ? cosine_scores(features, weight.detach()) : logits};
}

// Puts batch norm statistics back when it is destroyed.
class KeepBuffers {
 public:
  explicit KeepBuffers(const Network& network) : network_(network) {
    for (const auto& [name, value] : network.buffers()) values_.push_back(value.clone());
  }
  ~KeepBuffers() {
    const at::NoGradGuard guard;
    for (size_t i = 0; i < values_.size(); ++i) network_.buffers()[i].second.copy_(values_[i]);
  }

 private:
  const Network& network_;
  std::vector<at::Tensor> values_;
};

LossSums sums_of_batch(Network& network, const TrainingBatch& batch, const LossOptions& options, const Pass& pass,
                       int64_t micro_batch) {
  if (options.kind != Kind::nal) return count_pixels(batch.labels);
  const at::NoGradGuard guard;
  const KeepBuffers keep(network);
  LossSums sums;
  const int64_t images = batch.images.size(0);
  for (int64_t first = 0; first < images; first += micro_batch) {
    const Part part = part_of(batch, pass, first, std::min(micro_batch, images - first), network.device());
    sums += loss_sums(scores_of(network, part), part.labels, options);
  }
  return sums;
}

StepReport report(const LossSums& sums, const LossOptions& options) {
  StepReport report{{"loss", sums.total(options)}};
  if (options.kind == Kind::plain) return report;
  const auto pixels = static_cast<double>(std::max<int64_t>(1, sums.reliable + sums.unreliable));
  report.emplace_back("loss_ce", sums.cross_entropy());
  report.emplace_back(options.kind == Kind::nal ? "loss_wce" : "loss_second", sums.second());
  report.emplace_back("unreliable", static_cast<double>(sums.unreliable) / pixels);
  return report;
}

}  // namespace

LossOptions loss_options(const Stage3Options& options) {
  LossOptions loss;
  static const std::map<std::string, Kind> kinds = {
      {"nal", Kind::nal},      {"entropy", Kind::entropy}, {"bootstrap", Kind::bootstrap}, {"baseline", Kind::plain},
      {"ce_crf", Kind::plain}, {"ce_ret", Kind::plain},    {"true_masks", Kind::plain}};
  const auto kind = kinds.find(options.loss);
  ensure(kind != kinds.end(), "loss '{}' has no kind", options.loss);
  loss.kind = kind->second;
  loss.temperature = options.temperature;
  loss.lambda = options.lambda;
  loss.gamma = options.gamma;
  loss.beta = options.beta;
  loss.form = options.loss_form == "report_code" ? LossOptions::Form::report_code : LossOptions::Form::equation;
  loss.is_detached = options.detach_confidence;
  loss.is_classifier_detached = options.detach_classifier;
  loss.align_corners = options.align_corners;
  return loss;
}

StepReport train_step(Network& network, const TrainingBatch& batch, const LossOptions& options, const Pass& pass,
                      int64_t micro_batch) {
  const int64_t images = batch.images.size(0);
  ensure(static_cast<int64_t>(batch.keys.size()) == images, "batch of {} images has {} keys", images,
         batch.keys.size());
  if (micro_batch <= 0 || micro_batch >= images) {
    const Part all = part_of(batch, pass, 0, images, network.device());
    LossSums sums;
    const ScorePair scores = score_pair_of(network, all, options);
    if (options.form == LossOptions::Form::report_code)
      report_code_loss(scores.logits, scores.confidence, all.labels, options, &sums).backward();
    else if (options.is_classifier_detached)
      segmentation_loss_backward(scores.logits, scores.confidence, all.labels, options,
                                 loss_sums(scores.logits, all.labels, options), &sums);
    else
      segmentation_loss(scores.logits, all.labels, options, &sums).backward();
    return report(sums, options);
  }
  ensure(options.form == LossOptions::Form::equation, "the report's code has no micro-batches");
  const LossSums whole = sums_of_batch(network, batch, options, pass, micro_batch);
  LossSums sums;
  for (int64_t first = 0; first < images; first += micro_batch) {
    const Part part = part_of(batch, pass, first, std::min(micro_batch, images - first), network.device());
    LossSums of_part;
    const ScorePair scores = score_pair_of(network, part, options);
    segmentation_loss_backward(scores.logits, scores.confidence, part.labels, options, whole, &of_part);
    sums += of_part;
  }
  return report(sums, options);
}

}  // namespace boxseg
