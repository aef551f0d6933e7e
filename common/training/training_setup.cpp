#include "common/training/training_setup.h"

#include "common/base/log.h"
#include "common/base/text.h"

namespace boxseg {

std::unique_ptr<Network> network_to_train(const NetworkAndTrainingOptions& options, int64_t classes,
                                          const std::string& init, uint64_t seed) {
  auto network = make_network({.backbone = options.backbone,
                               .head = options.head,
                               .classes = classes,
                               .output_stride = options.output_stride,
                               .classifier_std = options.classifier_std},
                              seed);
  if (init.empty()) {
    if (options.freeze_backbone) log_warning("--freeze-backbone without --init: random backbone weights stay random");
    return network;
  }
  const auto fresh = load_initial_weights(*network, init);
  log_info("{}: fresh layers, at 10 times the learning rate: {}", init, fresh.empty() ? "none" : join(fresh, ", "));
  return network;
}

TrainingOptions training_options(const Options& command_line, const NetworkAndTrainingOptions& options,
                                 const std::string& what) {
  TrainingOptions training;
  for (const auto& option : command_line.resolved().values) training.shown_options.push_back(option);
  training.sgd = {options.learning_rate, options.momentum, options.weight_decay, options.bias_rate};
  training.schedule.kind = options.schedule;
  for (const double milestone : options.milestones)
    training.schedule.milestones.push_back(static_cast<int64_t>(milestone));
  training.schedule.iterations = options.iterations;
  training.schedule.every = options.schedule_every;
  training.what = what;
  return training;
}

Pass training_pass(const NetworkAndTrainingOptions& options, uint64_t seed) {
  Pass pass;
  pass.is_training = true;
  pass.freeze_backbone = options.freeze_backbone;
  pass.freeze_bn = options.freeze_bn;
  pass.seed = seed;
  return pass;
}

void record_training(StageRun& run, const fs::path& output, int64_t images, const std::vector<std::string>& skipped,
                     Precision precision) {
  constexpr const char* kLogFile = "log.jsonl";
  if (fs::exists(output / kLogFile)) run.add_output(kLogFile, digest_of_file(output / kLogFile));
  run.add_fact("images", std::to_string(images));
  run.add_fact("images_skipped", std::to_string(skipped.size()));
  run.add_fact("skipped", join(skipped, "\n"));
  run.add_fact("precision", name_of(precision));
}

}  // namespace boxseg
