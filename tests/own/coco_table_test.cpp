// `make table4` in small: a folder as COCO's archives make it, labelled by a classifier of other images.
#include <regex>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/plan/metrics_file.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/coco_of.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::string kQuick =
    "stage1.backbone=tiny stage1.freeze-backbone=false stage1.output-stride=0 stage1.iterations=2 stage1.epochs=0 "
    "stage1.batch=2 stage1.crop=65 stage1.classifier-std=0.1 pipeline.init=";

CommandResult make(const fs::path& run, const std::string& words) {
  return run_command(fmt::format("cd {} && unset MAKEFLAGS MAKELEVEL && make -f Makefile.pipeline CUDA=0 RUN={} {}",
                                 shell_quote(BOXSEG_SOURCE_DIR), shell_quote(run.string()), words));
}

}  // namespace

TEST_CASE("a classifier labels COCO, Table 4 has all of its numbers, and classes that it lacks have theirs", "[slow]") {
  const OwnPhotos photos;
  const auto trained = make(photos / "first", fmt::format("stage1/bap PRESET=own IMAGES={} BOXES={} SET={}",
                                                          shell_quote(photos.images.string()),
                                                          shell_quote(photos.coco().string()), shell_quote(kQuick)));
  INFO(trained.err);
  REQUIRE(trained.exit_code == 0);
  const fs::path coco = coco_of(photos), run = photos / "run";
  const std::string words = fmt::format(
      "COCO={} CLASSIFIER={} SET='dataset.skip-grayscale=false pipeline.splits=val=val2017 pipeline.label-splits=val "
      "pipeline.evaluate-split=val'",
      shell_quote(coco.string()), shell_quote((photos / "first/stage1/bap/classifier.pt").string()));
  const auto made = make(run, "tables " + words);
  INFO(made.err << made.out);
  REQUIRE(made.exit_code == 0);
  CHECK_THAT(made.err, Contains("okapi"));
  CHECK_THAT(made.out, Contains("1 categories that the classifier did not learn"));
  const Metrics metrics = read_metrics(run / "metrics.json");
  for (const char* labels : {"y_crf", "y_ret"}) {
    const std::string key = std::string("stage2/bap/val/") + labels;
    for (const char* number : {"_segm/AP", "_segm/AP50", "_segm/AP_known", "_segm/AP_unknown", "/miou_unknown"})
      CHECK(metrics.at(key + number).is_number());
    // The mean of two known categories and an unknown one.
    const auto ap = [&](const char* suffix) { return metrics.at(key + "_segm/AP" + suffix).get<double>(); };
    CHECK(3 * ap("") == Approx(2 * ap("_known") + ap("_unknown")));
  }
  const std::string table = read_file(run / "tables/table4.md");
  CHECK_THAT(table, Contains("| BAP Y_crf |") && Contains("a difference would mean nothing") && !Contains("not yet"));
  CHECK_THAT(read_file(run / "tables/table4_unknown.md"),
             Contains("| Y_crf, others as filled boxes |") && !Contains("not yet"));

  // Annotations are what the run is made from.
  CHECK_THAT(make(run, "why " + words).out, Contains("Everything is up to date."));
  const fs::path file = coco / "annotations/instances_val2017.json";
  write_file(file, read_file(file) + "\n");
  CHECK_THAT(make(run, "why " + words).out, Contains("dataset: what it is made from changed"));

  // The run keeps its preset, and asks for what it cannot know.
  CHECK_THAT(make(run, "table4").err, Contains("the preset coco2017 needs a folder of COCO: COCO="));
  CHECK_THAT(read_file(run / "tables/table4.md"), !Contains("needs COCO"));
  // Another file in the place of the classifier, beside the manifest of the first.
  const fs::path classifier = photos / "first/stage1/bap/classifier.pt";
  write_file(classifier, read_file(classifier) + "x");
  CHECK_THAT(make(run, "why " + words).out, Contains("dataset will be made again"));
  write_file(file, trim(read_file(file)));
  CHECK_THAT(make(run, "why " + words).out, Contains("is not the file that the manifest beside it lists"));

  // Annotations that nothing can be measured by are refused before anything is labelled.
  write_file(file, std::regex_replace(read_file(file), std::regex("\"area\": 300, "), ""));
  const auto refused = make(photos / "other", "table4 " + words);
  CHECK(refused.exit_code != 0);
  CHECK_THAT(refused.err, Contains("has no 'area'"));
  CHECK_FALSE(fs::exists(photos / "other/outlines"));
}
