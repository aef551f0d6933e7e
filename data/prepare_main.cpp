// The program prepare indexes datasets, makes the synthetic one, checks, shows and exports artifacts, and gives foreign
// labels a manifest.
#include <algorithm>
#include <cstdio>
#include <opencv2/core/utility.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/text.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/runtime/program.h"
#include "data/commands.h"

namespace boxseg {
namespace {

constexpr const char* kHelp =
    "prepare: indexes datasets, and looks at artifacts.\n\n"
    "  prepare voc        index a VOC folder, checking every file\n"
    "  prepare coco       index COCO 2017, or files like it, at any size\n"
    "  prepare boxes      index photos and boxes of your own: COCO, YOLO, CSV, LabelMe, CVAT or VOC XML\n"
    "  prepare synthetic  draw the synthetic dataset\n"
    "  prepare labels     give published or hand-made label maps, or masks of another tool, a manifest\n"
    "  prepare export     write masks of boxes as COCO JSON, LabelMe, YOLO or PNG\n"
    "  prepare check      read all files of an index again\n"
    "  prepare show       print any artifact as text\n\n"
    "Example:\n  prepare synthetic --output data/synthetic --images 60\n"
    "  prepare voc --root data/synthetic --split train=train --split val=val --output dataset.h5\n\n"
    "`prepare COMMAND --help` lists the options of each; --version and --fingerprint work here too.\n";

int run(int argc, char** argv) {
  watch_interrupts();
  cv::setNumThreads(1);  // images are the unit of parallel work
  const std::vector<std::pair<std::string, int (*)(int, char**)>> commands = {
      {"voc", prepare_voc},       {"coco", prepare_coco},   {"boxes", prepare_boxes}, {"synthetic", prepare_synthetic},
      {"labels", prepare_labels}, {"check", prepare_check}, {"show", prepare_show},   {"export", prepare_export}};
  const std::string word = argc > 1 ? argv[1] : "";
  for (const auto& [name, command] : commands)
    if (word == name) return command(argc - 1, argv + 1);
  if (word == "--help") return std::fputs(kHelp, stdout), 0;
  if (word == "--version") return std::printf("boxseg %s\n", kVersion), 0;
  if (word == "--fingerprint") return std::printf("%s\n", kPrepareFingerprint.c_str()), 0;
  std::vector<std::string> names;
  for (const auto& [name, command] : commands) names.push_back(name);
  if (word.empty()) fail_usage("name a command: {}; see --help", join(names, ", "));
  const std::string close = nearest(word, names);
  fail_usage("unknown command '{}'{}; known: {}", word, close.empty() ? "" : fmt::format(", did you mean '{}'?", close),
             join(names, ", "));
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("prepare", argc, argv, boxseg::run); }
