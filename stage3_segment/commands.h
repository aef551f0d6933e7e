// Reads the commands of stage3_segment, for the front of the program and for the program behind it.
#pragma once
#include <filesystem>
#include <string>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/sections.h"
#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

// Runs one command: reads its options, then does --check FILE or `run(options, values)`.
template <class Values, class Run, class Check>
int run_command(const ProgramInfo& info, int argc, char** argv, const Run& run, const Check& check) {
  Values values;
  Options options(info);
  values.declare(options);
  if (!options.parse(argc, argv)) return 0;
  options.check_file.empty() ? run(options, values) : check(options.check_file);
  return 0;
}

// Actions has train(options, stage3), predict(options, predict) and check(file).
template <class Actions>
int run_stage3_command(int argc, char** argv, const Actions& actions) {
  const std::string command = argc > 1 ? argv[1] : "";
  const auto check = [&](const std::string& file) { actions.check(file); };
  if (command == "train")
    return run_command<Stage3Options>(
        stage3_train_info(), argc - 1, argv + 1, [&](const auto&... given) { actions.train(given...); }, check);
  if (command == "predict")
    return run_command<PredictOptions>(
        stage3_predict_info(), argc - 1, argv + 1, [&](const auto&... given) { actions.predict(given...); }, check);
  if (!command.empty() && command[0] != '-') {
    const std::string close = nearest(command, {"train", "predict"});
    fail_usage("unknown command '{}'{}; the commands are train and predict", command,
               close.empty() ? "" : fmt::format(", did you mean '{}'?", close));
  }
  // Where no command is given, the whole program answers --help, --version, --fingerprint and --check.
  Options options(reads_presets(
      {"stage3_segment",
       "Trains a segmentation network from pseudo labels, and segments images with it.\nCommands: train, predict. "
       "`stage3_segment train --help` and `stage3_segment predict --help` list their options.",
       stage3_train_info().example, "", kStage3Fingerprint}));
  if (!options.parse(argc, argv)) return 0;
  if (options.check_file.empty()) fail_usage("a command is missing: stage3_segment train, or stage3_segment predict");
  actions.check(options.check_file);
  return 0;
}

}  // namespace boxseg
