// This is stage1_classify as it is called: it reads the command line, and becomes the program behind it (front.h,
// main.cpp).
#include "common/base/error.h"
#include "common/pipeline/stage/front.h"
#include "common/pipeline/stage/stage_options.h"
#include "common/runtime/program.h"

namespace boxseg {
namespace {

int front(int argc, char** argv) {
  if (has_piped_config(argc, argv)) become("stage1_classify", argc, argv);
  Stage1Options stage1;
  Options options(stage1_info());
  stage1.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (options.check_file.empty()) stage1.check();
  become("stage1_classify", argc, argv);
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("stage1_classify", argc, argv, boxseg::front); }
