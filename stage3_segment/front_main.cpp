// This is stage3_segment as it is called: it reads the command line, and becomes the program behind it (front.h,
// main.cpp).
#include <filesystem>

#include "common/pipeline/stage/front.h"
#include "common/runtime/program.h"
#include "stage3_segment/commands.h"

namespace boxseg {
namespace {

struct Actions {
  int argc;
  char** argv;
  void train(const Options&, const Stage3Options& stage3) const { stage3.check(), check(""); }
  void predict(const Options&, const PredictOptions& predict) const { predict.check(), check(""); }
  void check(const std::filesystem::path&) const { become("stage3_segment", argc, argv); }
};

int front(int argc, char** argv) {
  if (has_piped_config(argc, argv)) become("stage3_segment", argc, argv);
  return run_stage3_command(argc, argv, Actions{argc, argv});
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("stage3_segment", argc, argv, boxseg::front); }
