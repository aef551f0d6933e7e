// The program evaluate measures label maps and detections against ground truth, makes what boxes alone would give, and
// packs archives for VOC's evaluation server.
#include <cstdio>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/voc/voc_lists.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/dataset_flags.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/sections.h"
#include "common/runtime/parallel.h"
#include "common/runtime/program.h"
#include "eval/coco/evaluate_coco.h"
#include "eval/miou/evaluate_miou.h"
#include "eval/miou/server_archive.h"
#include "eval/review/review_list.h"

namespace boxseg {
namespace {

// Warns of a number of images that the server would refuse: it evaluates archives of the whole test list only, and any
// other split is a rehearsal.
void look_at_number(int64_t images, const std::string& split) {
  for (const auto& list : voc_lists())
    if (list.names[0] == "test" && images != list.images)
      log_warning("split {} has {} images; VOC's server evaluates VOC 2012's test list, which has {}", split,
                  with_commas(images), with_commas(list.images));
}

int server(int argc, char** argv) {
  Options options(reads_presets(
      {"evaluate server",
       "The archive that VOC's evaluation server takes: results/VOC2012/Segmentation/comp6_test_cls/ID.png.",
       "evaluate server --dataset dataset.h5 --split test --predictions predictions/test --output results.tar.gz",
       "evaluate", kEvaluateFingerprint}));
  ServerArchiveOptions archive;
  std::string dataset, predictions, output;
  options.add("dataset", &dataset, "index made by prepare, with VOC's classes", Role::input);
  options.add("split", &archive.split, "images to archive");
  options.add("predictions", &predictions, "folder of label PNGs, ID.png, as large as their images", Role::input);
  options.add_choice("competition", &archive.competition, {"comp5", "comp6"},
                     "comp5: trained on VOC's own data alone; comp6: also on other data, such as ImageNet");
  options.add("output", &output, "archive to write: .tar, .tar.gz or .tgz", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) fail_usage("--check {}: tar -tf lists an archive", options.check_file);
  require_given(dataset, "dataset");
  require_given(predictions, "predictions");
  require_given(output, "output");
  archive.predictions = predictions;
  archive.output = output;
  archive.threads = resolve_threads(options.threads);
  archive.check();
  require_writable_file(output);
  watch_interrupts();
  const int64_t images = write_server_archive(read_dataset(dataset, {}, false), archive);
  look_at_number(images, archive.split);
  log_info("{}: {} label maps for {}", output, images, archive.competition);
  return 0;
}

int review(int argc, char** argv) {
  Options options(reads_presets(
      {"evaluate review", "Which masks of boxes to look at first; needs no true masks.",
       "evaluate review --dataset runs/mine/dataset.h5 --labels runs/mine/stage2/bap/all --output review.csv",
       "evaluate", kEvaluateFingerprint}));
  DatasetFlags images("all");
  std::string labels, output;
  images.declare(options, "images whose boxes are looked at");
  options.add("labels", &labels, "folder of stage 2, with Y_crf and Y_ret", Role::input);
  options.add("output", &output, "CSV file to write, a line for each box", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) fail_usage("--check {}: any program for tables reads it", options.check_file);
  require_given(images.dataset, "dataset");
  require_given(labels, "labels");
  require_given(output, "output");
  require_writable_file(output);
  watch_interrupts();
  const Dataset dataset = read_dataset(images.dataset, images.data_root, false);
  refuse_overlap(output, "--output", labels, "--labels");
  refuse_dataset_files({output}, "--output", dataset);
  for (const fs::path& from : box_files(dataset)) refuse_overlap(output, "--output", from, "the boxes");
  const auto boxes = review_boxes(dataset, images.split, labels, resolve_threads(options.threads));
  write_file(output, review_csv(dataset, boxes));
  if (const std::string what = describe_review(dataset, boxes); !what.empty())
    std::printf("%s\n", printable(what).c_str());
  log_info("{}: {} boxes, the most urgent first", output, boxes.size());
  return 0;
}

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(int argc, char** argv);
};
const Verb kVerbs[] = {{"miou", "mean IoU of label maps", evaluate_miou_command},
                       {"baseline", "mean IoU of labels made from the boxes alone", evaluate_baseline_command},
                       {"agreement", "Y_crf and Y_ret where they agree", evaluate_agreement_command},
                       {"coco", "COCO's average precision and recall of detections", evaluate_coco_command},
                       {"review", "which masks of boxes to look at first", review},
                       {"server", "the archive that VOC's evaluation server takes", server}};

int run(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "--help";
  if (first == "--help") {
    std::printf(
        "evaluate: label maps against ground truth.\n\nExample:\n  evaluate baseline --kind filled_boxes --dataset "
        "runs/demo/dataset.h5 --split val\n\nVerbs (each has --help):\n");
    for (const Verb& verb : kVerbs) std::printf("  %-12s%s\n", verb.name, verb.summary);
    if (argc > 1) return 0;
    fail_usage("a verb is missing");
  }
  if (first == "--check") return evaluate_miou_command(argc, argv);
  if (first == "--version") return std::printf("boxseg %s\n", kVersion), 0;
  if (first == "--fingerprint") return std::printf("%s\n", kEvaluateFingerprint.c_str()), 0;
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) {
    if (first == verb.name) return verb.run(argc - 1, argv + 1);
    names.emplace_back(verb.name);
  }
  const std::string close = nearest(first, names);
  fail_usage("unknown verb '{}'{}; expected one of {}", first,
             close.empty() ? "" : fmt::format(", did you mean '{}'?", close), join(names, ", "));
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("evaluate", argc, argv, boxseg::run); }
