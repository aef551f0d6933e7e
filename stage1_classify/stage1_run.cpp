#include "stage1_classify/stage1_run.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/ops/tensor_runtime.h"
#include "common/pipeline/stage/stage_inputs.h"
#include "common/pipeline/stage/stage_run.h"
#include "common/runtime/loader.h"
#include "common/runtime/parallel.h"
#include "common/training/checkpoint_check.h"
#include "common/training/training_setup.h"
#include "stage1_classify/training_step.h"

namespace boxseg {
namespace {

constexpr const char* kClassifierFile = "classifier.pt";

// Runs the training loop; returns the number of boxes that no sample fell into.
int64_t train_classifier(Network& network, const Stage1Options& options, const TrainingOptions& training, uint64_t seed,
                         const TrainingData& data, const std::string& run_key, int threads) {
  const StepOptions step{options.grid, options.roi, options.pooling == "gap" ? Pooling::gap : Pooling::bap,
                         options.micro_batch};
  Pass pass = training_pass(options, seed);
  std::optional<Loader<TrainingSample>> loader;
  int64_t dropped_boxes = 0;
  const auto start_at = [&](int64_t first) {
    loader.emplace((first - 1) * options.batch, options.iterations * options.batch, std::clamp(threads / 2, 1, 16),
                   2 * options.batch, [&data](int64_t position) { return data.sample(position); });
  };
  const auto compute = [&](int64_t it) {
    std::vector<TrainingSample> batch;
    for (int64_t i = 0; i < options.batch; ++i) batch.push_back(*loader->next());
    pass.step = static_cast<uint64_t>(it);
    return training_step(network, batch, step, pass, &dropped_boxes);
  };
  train(network, training, options.output, run_key, compute, start_at);
  return dropped_boxes;
}

// Writes the checkpoint, reads it back, and returns the digest of what was read.
Digest write_verified(const fs::path& path, const Checkpoint& checkpoint) {
  write_checkpoint(path, checkpoint);
  const Digest written = digest_of_checkpoint(checkpoint), found = digest_of_checkpoint(read_checkpoint(path));
  ensure(found == written, "{}: reads back differently than it was written; is the disk sound?", path.string());
  return found;
}

}  // namespace

void run_stage1(const Options& command_line, const Stage1Options& given) {
  Stage1Options options = given;
  options.check();
  const int threads = resolve_threads(command_line.threads);
  const auto seed = static_cast<uint64_t>(command_line.seed);
  const fs::path output = options.output;
  watch_interrupts();
  for (const char* file : {kClassifierFile, kTrainingCheckpoint})
    if (!options.init.empty()) refuse_same_file(output / file, "--output", options.init, "--init");
  if (!options.init.empty()) refuse_folder_of(output, "--output", fs::path(options.init).parent_path(), "--init");

  const Dataset dataset = read_dataset(options.dataset, options.data_root);
  dataset.require_boxes(options.split);
  StageRun run(command_line, output, stage1_inputs(options, dataset));
  if (run.is_up_to_date()) {
    log_info("{}: up to date", output.string());
    return;
  }
  require_writable_directory(output);
  start_tensor_runtime(threads);
  const auto [device, precision_used] = choose_device(command_line.device, options.precision);
  const auto network = network_to_train(options, dataset.classes(), options.init, seed);
  network->to(device);
  const bool has_batch_norm = std::any_of(network->parameters().begin(), network->parameters().end(),
                                          [](const Parameter& p) { return p.is_batch_norm; });
  if (options.micro_batch > 0 && options.micro_batch < options.batch && has_batch_norm && !options.freeze_bn)
    log_warning("--micro-batch {}: batch norm sees {} images at a time; --freeze-bn makes the result independent of it",
                options.micro_batch, options.micro_batch);

  if (!run.begin()) {
    log_info("{}: up to date, another process has just made it", output.string());
    return;
  }
  std::vector<std::string> skipped;
  const std::vector<int64_t> images =
      trainable_images(dataset, options.split, options.on_bad_image == "skip", threads, &skipped);
  options.iterations = options.steps_for(static_cast<int64_t>(images.size()));
  const TrainingData data(dataset, images, options, seed, network->normalisation());
  TrainingOptions training = training_options(command_line, options, "train the classifier");
  training.picture = [&](int64_t it) {
    return picture_of(data.sample((it - 1) * options.batch), network->normalisation(), dataset.palette);
  };
  const int64_t dropped_boxes = train_classifier(*network, options, training, seed, data, run.run_key(), threads);
  if (dropped_boxes > 0) log_info("{} boxes lay on a cell boundary without extent and were left out", dropped_boxes);

  const Checkpoint classifier = make_checkpoint(*network, {{"class_names", record_list(dataset.class_names)}});
  run.add_output(kClassifierFile, write_verified(output / kClassifierFile, classifier));
  record_training(run, output, static_cast<int64_t>(images.size()), skipped, precision_used);
  run.finish(device.str(), threads);
  log_info("{}: {} steps on {} images{}", (output / kClassifierFile).string(), options.iterations, images.size(),
           skipped.empty() ? "" : fmt::format(", {} skipped", skipped.size()));
}

void check_stage1_artifact(const fs::path& path) {
  if (answered_training_check(path)) return;
  fs::path classifier = path;
  if (path.extension() == ".h5") {
    const fs::path folder = fs::absolute(path).parent_path();
    output_digest(check_manifest(path, folder, checkpoint_checks()), kClassifierFile);  // which it must list
    classifier = folder / kClassifierFile;
  }
  const LoadedNetwork loaded = load_network(classifier, at::kCPU);
  const NetworkSpec& spec = loaded.network->spec();
  if (spec.head != "plain")
    fail_input("{}: a network with head {}, expected a classifier of stage 1 (head plain)", classifier.string(),
               spec.head);
  for (const auto& [name, value] : loaded.network->state_dict())
    if (!value.isfinite().all().item<bool>())
      fail_input("{}: {} holds values that are not finite", classifier.string(), name);
  std::printf("%s: whole, a %s classifier of %lld classes\n", path.c_str(), spec.backbone.c_str(),
              static_cast<long long>(spec.classes));
}

}  // namespace boxseg
