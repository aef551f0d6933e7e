// What both training stages make of their options, and what they record of a finished training.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/ops/precision.h"
#include "common/pipeline/stage/stage_options.h"
#include "common/pipeline/stage/stage_run.h"
#include "common/training/trainer.h"

namespace boxseg {

// A network with fresh weights from the seed, or with those of the file `init`; says which layers start fresh.
std::unique_ptr<Network> network_to_train(const NetworkAndTrainingOptions& options, int64_t classes,
                                          const std::string& init, uint64_t seed);

// `what`: what the progress bar calls the training.
TrainingOptions training_options(const Options& command_line, const NetworkAndTrainingOptions& options,
                                 const std::string& what);

// Of any step: the caller sets its number.
Pass training_pass(const NetworkAndTrainingOptions& options, uint64_t seed);

// The training's log as an output of the run, and its facts.
void record_training(StageRun& run, const fs::path& output, int64_t images, const std::vector<std::string>& skipped,
                     Precision precision);

}  // namespace boxseg
