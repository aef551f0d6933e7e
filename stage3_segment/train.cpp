#include "stage3_segment/train.h"

#include <algorithm>
#include <optional>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/ops/tensor_runtime.h"
#include "common/pipeline/stage/stage_inputs.h"
#include "common/pipeline/stage/stage_run.h"
#include "common/runtime/loader.h"
#include "common/runtime/parallel.h"
#include "common/training/training_setup.h"
#include "stage3_segment/loss_kernel.h"
#include "stage3_segment/segmenter.h"
#include "stage3_segment/train_step.h"
#include "stage3_segment/training_labels.h"
#include "stage3_segment/training_samples.h"

namespace boxseg {
namespace {

constexpr int64_t kMostWorkers = 8;  // threads that decode and augment ahead of the network

SampleOptions sample_options(const Stage3Options& options, const Normalisation& normalisation, uint64_t seed) {
  return {options, normalisation, seed, options.batch, static_cast<uint8_t>(options.label_padding)};
}

// Hands out batches in order, which other threads make ahead.
class Batches {
 public:
  Batches(const TrainingSamples& samples, int64_t batch, int64_t crop, int64_t steps, int threads)
      : samples_(samples),
        batch_(batch),
        crop_(crop),
        steps_(steps),
        workers_(static_cast<int>(std::min<int64_t>(threads, kMostWorkers))) {}

  void start_at(int64_t step) {
    loader_.emplace((step - 1) * batch_, steps_ * batch_, workers_, std::max<int64_t>(2 * batch_, workers_),
                    [this](int64_t position) { return samples_.at(position); });
  }
  TrainingBatch next() {
    std::vector<LabelledSample> samples;
    while (static_cast<int64_t>(samples.size()) < batch_) samples.push_back(std::move(*loader_->next()));
    return make_batch(samples, crop_);
  }

 private:
  const TrainingSamples& samples_;
  const int64_t batch_, crop_, steps_;
  const int workers_;
  std::optional<Loader<LabelledSample>> loader_;
};

void write_segmenter(const Network& network, const Dataset& dataset, const Stage3Options& options, StageRun& run) {
  SegmenterRecord record;
  record.class_names = dataset.class_names;
  if (!dataset.palette.empty()) record.palette = dataset.palette;
  record.temperature = options.temperature;
  record.align_corners = options.align_corners;
  const Checkpoint checkpoint = make_segmenter(network, record);
  write_checkpoint(fs::path(options.output) / "segmenter.pt", checkpoint);
  run.add_output("segmenter.pt", digest_of_checkpoint(checkpoint));
}

}  // namespace

void run_training(const Options& command_line, const Stage3Options& given) {
  Stage3Options options = given;
  options.check();
  const int threads = resolve_threads(command_line.threads);
  const auto [device, precision_used] = choose_device(command_line.device, options.precision);
  const auto seed = static_cast<uint64_t>(command_line.seed);
  const fs::path output = options.output;
  watch_interrupts();
  for (const char* file : {"segmenter.pt", kTrainingCheckpoint})
    if (!options.init.empty()) refuse_same_file(output / file, "--output", options.init, "--init");
  if (!options.init.empty()) refuse_folder_of(output, "--output", fs::path(options.init).parent_path(), "--init");
  if (!options.labels.empty()) refuse_folder_of(output, "--output", options.labels, "--labels");

  const Dataset dataset = read_dataset(options.dataset, options.data_root);
  const TrainingLabels labels(options.loss, options.labels, dataset);
  StageRun run(command_line, output, stage3_inputs(options, dataset, labels.digest()));
  if (run.is_up_to_date()) {
    log_info("{}: up to date", output.string());
    return;
  }
  if (options.label_padding != kVoidLabel && options.label_padding >= dataset.classes())
    fail_usage("--label-padding {}: neither 255 nor one of the dataset's {} classes", options.label_padding,
               dataset.classes());
  require_writable_directory(output);
  start_tensor_runtime(threads);
  const auto network = network_to_train(options, dataset.classes(), options.init, seed);
  const TrainingSet set =
      select_training_images(dataset, options.split, labels, options.on_bad_image == "skip", threads);
  options.iterations = options.steps_for(static_cast<int64_t>(set.images.size()));
  for (const auto& why : set.skipped) log_warning("left out: {}", why);
  network->to(device);
  if (!run.begin()) {
    log_info("{}: up to date, another process has just made it", output.string());
    return;
  }

  const TrainingSamples samples(dataset, set.images, labels, sample_options(options, network->normalisation(), seed));
  Batches batches(samples, options.batch, options.crop, options.iterations, threads);
  const LossOptions loss = loss_options(options);
  const auto step = [&](int64_t it) {
    Pass pass = training_pass(options, seed);
    pass.step = static_cast<uint64_t>(it);
    LossOptions now = loss;
    if (loss.form == LossOptions::Form::report_code) now.beta = report_code_beta(loss.beta, it, options.iterations);
    return train_step(*network, batches.next(), now, pass, options.micro_batch);
  };
  TrainingOptions training = training_options(command_line, options, "stage 3 " + options.loss);
  training.picture = [&](int64_t it) {
    return picture_of(samples.at((it - 1) * options.batch), options.crop, network->normalisation(), dataset.palette);
  };
  train(*network, training, output, run.run_key(), step, [&](int64_t first) { batches.start_at(first); });

  write_segmenter(*network, dataset, options, run);
  record_training(run, output, static_cast<int64_t>(set.images.size()), set.skipped, precision_used);
  run.finish(device.str(), threads);
  log_info("{}: segmenter.pt after {} steps on {} images", output.string(), options.iterations, set.images.size());
}

}  // namespace boxseg
