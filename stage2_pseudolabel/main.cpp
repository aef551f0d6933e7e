// stage2_pseudolabel makes Y_crf, Y_ret and attention shards from images, boxes and a trained classifier.
#include <cstring>

#include "common/base/error.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/sections.h"
#include "common/runtime/program.h"
#include "stage2_pseudolabel/merge.h"
#include "stage2_pseudolabel/stage2_run.h"

namespace boxseg {
namespace {

int merge_main(int argc, char** argv) {
  std::string output;
  Options options(
      reads_presets({"stage2_pseudolabel merge", "Writes the manifest of a split from those of its shards.",
                     "stage2_pseudolabel merge --output runs/demo/stage2/bap/val", "", kStage2Fingerprint}));
  options.add("output", &output, "folder of Y_crf, Y_ret and attention", Role::output);
  if (!options.parse(argc, argv)) return 0;
  require_given(output, "output");
  merge_or_fail(output);
  return 0;
}

int stage2_main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "merge") == 0) return merge_main(argc - 1, argv + 1);
  Stage2Options stage2;
  Options options(stage2_info());
  stage2.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    check_stage2_artifact(options.check_file);
    return 0;
  }
  run_stage2(options, stage2);
  return 0;
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("stage2_pseudolabel", argc, argv, boxseg::stage2_main); }
