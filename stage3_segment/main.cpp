// stage3_segment trains a segmentation network from label maps (train), and makes label maps of images (predict).
#include "common/runtime/program.h"
#include "stage3_segment/commands.h"
#include "stage3_segment/predict.h"
#include "stage3_segment/train.h"

namespace boxseg {
namespace {

struct Actions {
  void train(const Options& options, const Stage3Options& stage3) const { run_training(options, stage3); }
  void predict(const Options& options, const PredictOptions& predict) const { run_prediction(options, predict); }
  void check(const fs::path& file) const { check_stage3_artifact(file); }
};

int stage3_main(int argc, char** argv) { return run_stage3_command(argc, argv, Actions{}); }

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("stage3_segment", argc, argv, boxseg::stage3_main); }
