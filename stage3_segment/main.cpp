// stage3_segment: label maps in, a segmentation network out (train); images in, label maps out (predict).
#include <cstdio>
#include <string>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/fingerprints.h"
#include "stage3_segment/predict.h"
#include "stage3_segment/train.h"

namespace boxseg {
namespace {

int train_main(int argc, char** argv) {
  Stage3Options stage3;
  Options options(stage3_train_info());
  stage3.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty())
    check_stage3_artifact(options.check_file);
  else
    run_training(options, stage3);
  return 0;
}

int predict_main(int argc, char** argv) {
  PredictOptions predict;
  Options options(stage3_predict_info());
  predict.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty())
    check_stage3_artifact(options.check_file);
  else
    run_prediction(options, predict);
  return 0;
}

// Without a command: --help, --version, --fingerprint and --check of the whole program.
int overview_main(int argc, char** argv) {
  Options options(
      {"stage3_segment",
       "Trains a segmentation network from pseudo labels, and segments images with it.\nCommands: train, predict. "
       "`stage3_segment train --help` and `stage3_segment predict --help` list their options.",
       stage3_train_info().example, "", kStage3Fingerprint});
  if (!options.parse(argc, argv)) return 0;
  if (options.check_file.empty()) fail_usage("a command is missing: stage3_segment train, or stage3_segment predict");
  check_stage3_artifact(options.check_file);
  return 0;
}

int stage3_main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "train") return train_main(argc - 1, argv + 1);
  if (command == "predict") return predict_main(argc - 1, argv + 1);
  if (!command.empty() && command[0] != '-') {
    const std::string close = nearest(command, {"train", "predict"});
    fail_usage("unknown command '{}'{}; the commands are train and predict", command,
               close.empty() ? "" : fmt::format(", did you mean '{}'?", close));
  }
  return overview_main(argc, argv);
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("stage3_segment", argc, argv, boxseg::stage3_main); }
