// The commands of stage3_segment, as the front of the program and the program behind it both read them.
#pragma once
#include <filesystem>
#include <string>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/fingerprints.h"
#include "common/pipeline/stage_options.h"

namespace boxseg {

// Actions has train(options, stage3), predict(options, predict) and check(file).
template <class Actions>
int run_stage3_command(int argc, char** argv, const Actions& actions) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "train") {
    Stage3Options stage3;
    Options options(stage3_train_info());
    stage3.declare(options);
    if (!options.parse(argc - 1, argv + 1)) return 0;
    options.check_file.empty() ? actions.train(options, stage3) : actions.check(options.check_file);
    return 0;
  }
  if (command == "predict") {
    PredictOptions predict;
    Options options(stage3_predict_info());
    predict.declare(options);
    if (!options.parse(argc - 1, argv + 1)) return 0;
    options.check_file.empty() ? actions.predict(options, predict) : actions.check(options.check_file);
    return 0;
  }
  if (!command.empty() && command[0] != '-') {
    const std::string close = nearest(command, {"train", "predict"});
    fail_usage("unknown command '{}'{}; the commands are train and predict", command,
               close.empty() ? "" : fmt::format(", did you mean '{}'?", close));
  }
  // Without a command: --help, --version, --fingerprint and --check of the whole program.
  Options options(
      {"stage3_segment",
       "Trains a segmentation network from pseudo labels, and segments images with it.\nCommands: train, predict. "
       "`stage3_segment train --help` and `stage3_segment predict --help` list their options.",
       stage3_train_info().example, "", kStage3Fingerprint});
  if (!options.parse(argc, argv)) return 0;
  if (options.check_file.empty()) fail_usage("a command is missing: stage3_segment train, or stage3_segment predict");
  actions.check(options.check_file);
  return 0;
}

}  // namespace boxseg
