// `make reproduce` with the preset `tiny`: every table and figure of the report, whatever stops it on the way.
#include "common/pipeline/plan/metrics_file.h"
#include "tests/own/coco_of.h"
#include "tests/pipeline/signalled_run.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("all of the report comes out of one command that was stopped twice, with the numbers of an undisturbed run",
          "[slow]") {
  const OwnPhotos photos;
  const std::string words = fmt::format(
      "reproduce COCO={} COCO_SET='dataset.skip-grayscale=false pipeline.splits=val=val2017 pipeline.label-splits=val "
      "pipeline.evaluate-split=val'",
      shell_quote(coco_of(photos).string()));
  const fs::path run = photos / "a run", coco = photos / "a run-coco";
  CHECK(make_and_signal(run, words, SIGTERM, [&] { return fs::exists(run / "stage1/gap"); }) > 0);
  CHECK(make_and_signal(run, words, SIGKILL, [&] { return fs::exists(run / "stage3/ce_ret"); }) > 0);
  const auto whole = make(run, words);
  INFO(whole.err);
  REQUIRE(whole.exit_code == 0);

  for (const char* table : {"table2", "table3", "table5", "table6", "table7", "figure2", "figure3"}) {
    const std::string text = read_file(run / "tables" / (std::string(table) + ".md"));
    CHECK_THAT(text, Contains("| ") && !Contains("not yet"));
  }
  for (const char* table : {"table4", "table4_unknown"})
    CHECK_THAT(read_file(coco / "tables" / (std::string(table) + ".md")), Contains("| ") && !Contains("not yet"));
  const std::string page = read_file(run / "report/index.html");
  for (const char* title :
       {"Table 2:", "Table 3:", "Table 4:", "Table 5:", "Table 6:", "Table 7:", "Figure 2:", "Figure 3:", "BAP Y_ret"})
    CHECK_THAT(page, Contains(title));
  CHECK_THAT(page, !Contains("needs COCO"));

  const Metrics undisturbed_numbers = read_metrics(undisturbed() / "metrics.json");
  const Metrics numbers = read_metrics(run / "metrics.json");
  REQUIRE(undisturbed_numbers.size() > 20);
  for (const auto& [key, value] : undisturbed_numbers) {
    INFO(key);
    REQUIRE(numbers.contains(key));
    CHECK(numbers.at(key) == value);
  }
  const auto again = make(run, words);
  CHECK(again.exit_code == 0);
  CHECK(ran(again).empty());
  const auto status = make(run, "reproduce-status " + words.substr(words.find(' ')));
  CHECK_THAT(status.out, Contains("stage3/nal+v2") && Contains("up to date, took") && !Contains("to do:"));
}
