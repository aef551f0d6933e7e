// A run beside another one: what differs in options and numbers, on the page and in words.
#include "common/base/files.h"
#include "common/base/text.h"
#include "eval/report/run_difference_text.h"
#include "tests/eval/made_up_run.h"
#include "tests/eval/report_program.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("the numbers of another run stand beside, with the difference") {
  TemporaryDirectory dir;
  make_run(dir / "new", 4);
  make_run(dir / "old", 4);
  merge_metrics(dir / "old/metrics.json", "stage2/bap/val/y_crf", {{"miou", 12.5}});
  merge_metrics(dir / "new/metrics.json", "stage2/bap/val/y_crf", {{"miou", 15.0}});
  const auto result = report(fmt::format("--run '{}' --against '{}' --output '{}' --images 0", (dir / "new").string(),
                                         (dir / "old").string(), (dir / "out").string()));
  REQUIRE(result.exit_code == 0);
  const std::string html = read_file(dir / "out/index.html");
  REQUIRE_THAT(html, Contains("<td>12.5</td><td><span class=\"up\">+2.5</span></td>"));
  REQUIRE_THAT(html, Contains("<th>old</th><th>difference</th>"));
  REQUIRE_THAT(html, !Contains("<article"));
}

TEST_CASE("report --against says which options differ, how the numbers moved, and what one run alone has") {
  TemporaryDirectory dir;
  make_run(dir / "new", 4);
  make_run(dir / "old", 4);
  const fs::path labels = "stage2/bap/val/manifest.h5", classifier = "stage1/bap/manifest.h5";
  Manifest m = read_manifest(dir / "new" / labels);
  for (const char* run : {"new", "old"}) {
    Manifest stage1;
    stage1.program = "stage1_classify";
    stage1.outputs = {{"classifier.pt", 1, "the same"}};
    write_manifest(dir / run / classifier, stage1);
  }
  m.options["threshold"] = "0.5";
  m.facts["images"] = "3";
  m.inputs["checkpoint"] = "another";
  write_manifest(dir / "new" / labels, m);
  write_manifest(dir / "new/stage3/nal/manifest.h5", m);
  merge_metrics(dir / "old/metrics.json", "stage2/bap/val/y_crf",
                {{"miou", 12.5}, {"per_class/square", 10.0}, {"per_class/disc & co", 20.0}});
  merge_metrics(dir / "new/metrics.json", "stage2/bap/val/y_crf",
                {{"miou", 15.0}, {"per_class/square", 16.0}, {"per_class/disc & co", 19.0}});
  merge_metrics(dir / "old/metrics.json", "stage3/entropy/val/crf", {{"miou", 40.0}});

  const RunDifference d = difference_of(open_run(dir / "new", {}), open_run(dir / "old", {}));
  REQUIRE(d.pieces.size() == 1);
  REQUIRE(d.pieces[0].folder == "stage2/bap/val");
  REQUIRE(d.pieces[0].changes.size() == 2);
  REQUIRE(d.pieces[0].inputs == std::vector<std::string>{"checkpoint"});
  REQUIRE(d.pieces[0].other_files == 0);
  REQUIRE(d.same_pieces == 1);
  REQUIRE(d.numbers.size() == 1);
  REQUIRE(d.numbers[0].classes[0].name == "square");
  REQUIRE(d.numbers[0].classes[0].moved == Approx(6));
  REQUIRE(d.same_numbers > 5);

  const auto result = report(fmt::format("--run '{}' --against '{}' --output '{}' --images 0", (dir / "new").string(),
                                         (dir / "old").string(), (dir / "out").string()));
  REQUIRE(result.exit_code == 0);
  REQUIRE_THAT(result.out,
               Contains("# new against old") && Contains("| option threshold | 0.5 | 0.99 | stage2/bap/val |") &&
                   Contains("| images | 3 | – | stage2/bap/val |") &&
                   Contains("Made from other inputs: stage2/bap/val (checkpoint).") &&
                   Contains("| bap: Y_crf | val | 15.00 | 12.50 | +2.50 | square +6.00, disc & co -1.00 |") &&
                   Contains("Only in new: stage3/nal.") && Contains("Only in old: stage3/entropy/val/crf.") &&
                   Contains("1 piece of work is the same in both.") && !Contains("box-convention"));
  const std::string html = read_file(dir / "out/index.html");
  REQUIRE_THAT(html, Contains("<h2>Against old</h2>") &&
                         Contains("<th>option threshold</th><td class=\"text\">0.5</td>") &&
                         Contains("square +6.00, disc &amp; co -1.00") && Contains("Only in new: stage3/nal."));
  REQUIRE(html.find("id=\"against\"") < html.find("id=\"scores\""));
}

TEST_CASE("a run against itself: nothing differs") {
  TemporaryDirectory dir;
  make_run(dir / "run", 3);
  const auto result = report(fmt::format("--run '{0}' --against '{0}' --output '{1}' --images 0",
                                         (dir / "run").string(), (dir / "out").string()));
  REQUIRE(result.exit_code == 0);
  REQUIRE_THAT(result.out, Contains("Nothing differs: 1 piece of work and ") && !Contains("|"));
  REQUIRE_THAT(read_file(dir / "out/index.html"), Contains("Nothing differs: 1 piece of work"));
  REQUIRE(report(fmt::format("--run '{0}' --output '{1}' --images 0", (dir / "run").string(), (dir / "out").string()))
              .out.empty());
}

TEST_CASE("a change that many pieces of work share is one row; equal settings with other results are said to be so") {
  RunFolder here, there;
  here.name = "a", there.name = "b";
  for (const char* folder : {"stage1/bap", "stage1/gap", "stage2/bap/val"}) {
    here.manifests[folder].threads = 2;
    there.manifests[folder].threads = 16;
  }
  here.manifests["stage3/nal"].outputs = {{"segmenter.pt", 1, "x"}};
  there.manifests["stage3/nal"].outputs = {{"segmenter.pt", 1, "y"}, {"more.pt", 1, "z"}};
  const std::string text = markdown_of(difference_of(here, there));
  CHECK_THAT(text, Contains("| threads | 2 | 16 | stage1/bap, stage1/gap, stage2/bap/val |"));
  CHECK_THAT(text, Contains("Other files, with the same settings and inputs: stage3/nal (2 of 2)."));
  here.manifests["stage3/nal"].threads = 2;
  there.manifests["stage3/nal"].threads = 16;
  CHECK_THAT(markdown_of(difference_of(here, there)), Contains("| threads | 2 | 16 | all 4 |"));
}
