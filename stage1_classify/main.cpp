// stage1_classify trains, from images and boxes, a classifier of box contents and background.
#include "common/base/error.h"
#include "common/runtime/program.h"
#include "stage1_classify/stage1_run.h"

namespace boxseg {
namespace {

int stage1_main(int argc, char** argv) {
  Stage1Options stage1;
  Options options(stage1_info());
  stage1.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    check_stage1_artifact(options.check_file);
    return 0;
  }
  run_stage1(options, stage1);
  return 0;
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("stage1_classify", argc, argv, boxseg::stage1_main); }
