// This is stage2_pseudolabel as it is called: it reads the command line, and becomes the program behind it (front.h,
// main.cpp).
#include <cstring>

#include "common/base/error.h"
#include "common/pipeline/stage/front.h"
#include "common/pipeline/stage/stage_options.h"
#include "common/runtime/program.h"

namespace boxseg {
namespace {

int front(int argc, char** argv) {
  if (has_piped_config(argc, argv)) become("stage2_pseudolabel", argc, argv);
  // The verb has options of its own, which the program behind reads.
  const bool merges = argc > 1 && std::strcmp(argv[1], "merge") == 0;
  Stage2Options stage2;
  Options options(stage2_info());
  stage2.declare(options);
  if (!merges && !options.parse(argc, argv)) return 0;
  if (!merges && options.check_file.empty()) stage2.check();
  become("stage2_pseudolabel", argc, argv);
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("stage2_pseudolabel", argc, argv, boxseg::front); }
