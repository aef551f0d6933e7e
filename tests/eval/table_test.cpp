// The tables of the report show values of a run beside the published ones, in every form.
#include <cmath>

#include "common/base/files.h"
#include "common/pipeline/plan/pending.h"
#include "eval/report/report_style.h"
#include "eval/report/table_forms.h"
#include "tests/eval/made_up_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

void put_manifest(const fs::path& folder, std::map<std::string, std::string> options, double seconds,
                  std::map<std::string, Digest> inputs = {}, std::vector<ManifestOutput> outputs = {},
                  int64_t seed = 0) {
  Manifest manifest;
  manifest.program = "made up";
  manifest.options = std::move(options);
  manifest.inputs = std::move(inputs);
  manifest.outputs = std::move(outputs);
  manifest.facts = {{"images", "10582"}};
  manifest.seed = seed;
  manifest.wall_time_s = seconds;
  write_manifest(folder / "manifest.h5", manifest);
}

// Makes scores of two seeds of the labels, and of a network before and after its CRF; the second labels have other
// scores.
void make_small_run(const fs::path& run) {
  for (const auto& [key, miou] : std::map<std::string, double>{{"stage2/bap/val/y_crf", 70},
                                                               {"stage2/bap@1/val/y_crf", 74},
                                                               {"stage3/nal/val/plain", 50.5},
                                                               {"stage3/nal/val/crf", 60.5}})
    merge_metrics(run / "metrics.json", key, {{"miou", miou}, {"images", 1449}});
  for (const char* seed : {"", "@1"}) {
    put_manifest(run / ("stage1/bap" + std::string(seed)), {{"iterations", "600"}}, 3725, {},
                 {{"classifier.pt", 1, "digest" + std::string(seed)}}, seed[0] == '@' ? 1 : 0);
    put_manifest(run / ("stage2/bap" + std::string(seed) + "/val"), {}, 10,
                 {{"checkpoint", "digest" + std::string(seed)}});
  }
  put_manifest(run / "stage3/nal", {{"iterations", "900"}}, 90);
  put_manifest(run / "stage3/nal/predictions/val/plain", {{"tta", "false"}, {"crf", "false"}}, 5);
  put_manifest(run / "stage3/nal/predictions/val/crf", {{"tta", "false"}, {"crf", "true"}}, 5);
}

Table table_of(const TemporaryDirectory& dir, const std::string& text) {
  write_file(dir / "table9.txt", text);
  return read_table(dir / "table9.txt", {});
}

}  // namespace

TEST_CASE("a table shows a run's values, their spread, the published ones and the differences") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  const RunFolder run = open_run(dir / "run", {});
  const FilledTable table =
      fill_table(table_of(dir,
                          "title = T\ncolumn = mIoU\n"
                          "labels | stage2/bap/val/y_crf & stage2/bap@1/val/y_crf ; authors 79.2\n"
                          "net | stage3/nal/val/plain / stage3/nal/val/crf ; authors 62.4 / 68.1 ; report 61.4 / 64.8\n"
                          "gone | stage3/ce_crf/val/crf ; report 1\n"
                          "time | time stage1/bap ; report 2.5 h\n"
                          "server | - nobody knows\n"),
                 run);
  REQUIRE(table.missing == 1);
  REQUIRE(table.values == 5);
  const TableValue& labels = table.rows[0][0].values[0];
  REQUIRE(*labels.mean == 72);
  REQUIRE(*labels.spread == Approx(std::sqrt(8.0)));
  REQUIRE(*labels.authors == 79.2);
  REQUIRE(labels.how() == "600 steps, 10582 images, seeds 0, 1");
  REQUIRE(table.rows[1][0].values[1].how() == "900 steps, 10582 images, seed 0; TTA off, CRF on");
  REQUIRE(table.rows[1][0].how() == "900 steps, 10582 images, seed 0; TTA off, CRF off / on");
  REQUIRE(*table.rows[3][0].values[0].report == 9000);  // seconds
  const std::string text = markdown_of(table);
  CHECK_THAT(text, Contains("| labels | 72.0 ± 2.8 | 79.2 | -7.2 |"));
  CHECK_THAT(text, Contains("| net | 50.5 / 60.5 | 62.4 / 68.1 | -11.9 / -7.6 | 61.4 / 64.8 | -10.9 / -4.3 |"));
  CHECK_THAT(text, Contains("| gone | not yet |") && Contains("1 of 5 values is not there yet"));
  CHECK_THAT(text, Contains("| time | 1 h 02 min |  |  | 2.5 h | × 0.41 |") && Contains("| server | nobody knows |"));

  const std::string csv = csv_of(table);
  CHECK_THAT(csv, Contains("\"net\",\"mIoU\",60.5000,percent,,68.1000,64.8000,-7.6000,-4.3000,"));
  CHECK_THAT(csv, Contains("\"time\",\"mIoU\",3725.0000,seconds"));
  const auto json = nlohmann::json::parse(json_of(table));
  REQUIRE(json["values"].size() == 6);
  CHECK(json["values"][0]["spread"].get<double>() == Approx(std::sqrt(8.0)));
  CHECK(json["values"][2]["difference_report"].get<double>() == Approx(-4.3));
  CHECK(json["values"][3]["value"].is_null());
  CHECK(json["values"][3]["note"] == "not yet");
  CHECK(json["values"][5]["note"] == "nobody knows");
  CHECK_THAT(csv, Contains("\"server\",\"mIoU\",,,,,,,,,,\"nobody knows\""));
  const std::string html = html_of(table);
  CHECK_THAT(html, Contains("<b>72.0 ± 2.8</b></td><td>79.2</td><td>-7.2</td>") && Contains("nobody knows") &&
                       Contains("<td class=\"text\">600 steps, 10582 images, seeds 0, 1</td>"));
}

TEST_CASE("an average over nothing is no number that is still to come") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  merge_metrics(dir / "run/metrics.json", "stage2/bap/val/y_crf_segm", {{"AP", 12.5}, {"APm", nullptr}, {"images", 3}});
  const std::string text =
      "column = a | b | c | d\nr | AP stage2/bap/val/y_crf_segm | APm stage2/bap/val/y_crf_segm | AP_known "
      "stage2/bap/val/y_crf_segm | AP stage2/bap/val/y_ret_segm\n";
  const FilledTable table = fill_table(table_of(dir, text), open_run(dir / "run", {}));
  CHECK_THAT(markdown_of(table),
             Contains("| 12.5 | none | none | not yet |") && Contains("1 of 4 values is not there yet"));
}

TEST_CASE("published numbers stand beside those of other data without a difference") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  merge_metrics(dir / "run/metrics.json", "stage3/nal/val/crf", {{"miou", 60.5}, {"images", 314}});
  const std::string text = "column = a | b\nr | stage3/nal/val/plain ; report 60 | stage3/nal/val/crf ; authors 61\n";
  const FilledTable table = fill_table(table_of(dir, text), open_run(dir / "run", {}));
  CHECK_THAT(markdown_of(table), Contains("| 50.5 [1] (report 60: -9.5) | 60.5 [2] (authors 61) |") &&
                                     Contains("a difference would mean nothing"));
  CHECK_THAT(csv_of(table), Contains("\"b\",60.5000,percent,,61.0000,,,,"));
}

TEST_CASE("a heat map colours its cells from the lowest to the highest value") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  const FilledTable table = fill_table(
      table_of(dir, "column = a | b\nstyle = heat\nrow | stage3/nal/val/plain | stage3/nal/val/crf ; report 61\n"),
      open_run(dir / "run", {}));
  const std::string html = html_of(table);
  CHECK_THAT(html, Contains("--v:0\"") && Contains("--v:100\"") && Contains("(report 61: -0.5)"));
  CHECK_THAT(markdown_of(table), Contains("| row | 50.5 [1] | 60.5 [2] (report 61: -0.5) |"));
}

TEST_CASE("of a pair with one value, and of seeds of which some are done, the rest is said to be missing") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  const std::string text =
      "column = mIoU\npair | stage3/nal/val/plain / stage3/nal/val/tta ; authors 60 / 70\n"
      "neither | stage3/x/val/plain / stage3/x/val/crf\n"
      "seeds | stage2/bap/val/y_crf & stage2/bap@1/val/y_crf & stage2/bap@2/val/y_crf ; authors 79\n";
  const FilledTable table = fill_table(table_of(dir, text), open_run(dir / "run", {}));
  CHECK(table.missing == 4);
  CHECK_THAT(markdown_of(table), Contains("| pair | 50.5 / not yet | 60 / 70 | -9.5 / – |") &&
                                     Contains("| neither | not yet |") &&
                                     Contains("| seeds | 72.0 ± 2.8 (2 of 3 seeds) | 79 | -7.0 |") &&
                                     Contains("4 of 5 values are not there yet"));
  CHECK_THAT(csv_of(table), Contains("\"2 of 3 seeds\""));
}

TEST_CASE(
    "columns of a table without published numbers are left out; of several columns each cell has its own beside it") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  const RunFolder run = open_run(dir / "run", {});
  const std::string plain = markdown_of(fill_table(table_of(dir, "column = mIoU\nr | stage3/nal/val/crf\n"), run));
  CHECK_THAT(plain, Contains("| method | mIoU | how |") && Contains("| r | 60.5 | 900 steps"));
  const FilledTable two = fill_table(
      table_of(dir, "column = v1 | v2\nr | stage3/nal/val/crf ; authors 61 ; report 60 | - waits for the server\n"),
      run);
  CHECK_THAT(markdown_of(two), Contains("| r | 60.5 (authors 61: -0.5; report 60: +0.5) | waits for the server |") &&
                                   Contains("Made with: 900 steps, 10582 images, seed 0; TTA off, CRF on."));
  CHECK_THAT(html_of(two), Contains("<b>60.5</b></td><td>61</td><td>-0.5</td><td>60</td><td>+0.5</td>") &&
                               Contains("colspan=\"5\">waits"));
}

TEST_CASE("where cells of several columns were made in other ways, a mark tells which") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  const FilledTable table = fill_table(table_of(dir, "column = a | b\nr | stage3/nal/val/crf | stage2/bap/val/y_crf\n"),
                                       open_run(dir / "run", {}));
  CHECK_THAT(
      markdown_of(table),
      Contains("| r | 60.5 [1] | 70.0 [2] |") &&
          Contains(
              "Made with: [1] 900 steps, 10582 images, seed 0; TTA off, CRF on; [2] 600 steps, 10582 images, seed 0."));
  CHECK_THAT(html_of(table), Contains("<b>70.0</b> [2]</td>"));
}

TEST_CASE("a table in progress leaves out numbers of other options until what makes them has run") {
  TemporaryDirectory dir;
  const fs::path run = dir / "run", pending = run / "config/pending-table9.txt",
                 receipt = run / "receipts/evaluate/stage3/nal/val/crf";
  make_small_run(run);
  write_file(receipt, "of other options\n");
  write_file(pending, pending_text(pending, {{"stage3/nal/val/crf", receipt},
                                             {"stage3/nal/val/tta", run / "receipts/evaluate/stage3/nal/val/tta"}}));
  write_file(run / "tables/table9.txt",
             "column = mIoU\nr | stage3/nal/val/plain / stage3/nal/val/crf / stage3/nal/val/tta\n");
  const auto show = [&] {
    const auto result = run_command(
        fmt::format("'{0}/report' --run '{1}' --output '{1}/tables' --table '{1}/tables/table9.txt' --pending '{2}'",
                    BOXSEG_BIN_DIR, run.string(), pending.string()));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return result.out;
  };
  CHECK_THAT(show(), Contains("table9: 1 of 3 values, ") && Contains("table9.md"));
  CHECK_THAT(read_file(run / "tables/table9.md"), Contains("| r | 50.5 / not yet / not yet |"));
  write_file(receipt, "of these options, and of another length\n");
  CHECK_THAT(show(), Contains("table9: 2 of 3 values"));
  for (const char* form : {".md", ".csv", ".json", ".html"})
    CHECK_THAT(read_file((run / "tables/table9").string() + form), Contains("60.5"));
  CHECK(read_pending(dir / "nothing").empty());
  write_file(pending, "a line of something else\n");
  REQUIRE_THROWS_WITH(read_pending(pending), Contains("pending-table9.txt") && Contains("a line of something else"));
}

TEST_CASE("several programs that show one table at a time leave whole files") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  write_file(dir / "table9.txt", "column = mIoU\nr | stage3/nal/val/crf\n");
  const auto result = run_command(
      fmt::format("for i in 1 2 3 4 5 6 7 8; do '{}/report' --run '{}' --output '{}' --table '{}' & pids=\"$pids $!\"; "
                  "done; for p in $pids; do wait $p || exit 1; done",
                  BOXSEG_BIN_DIR, (dir / "run").string(), (dir / "out").string(), (dir / "table9.txt").string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK_NOTHROW(check_html_document(read_file(dir / "out/table9.html"), "table9.html"));
  CHECK(temporary_files_in(dir / "out") == 0);
}

TEST_CASE("the page of a run shows the tables that were asked for; report --table writes one") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  write_file(dir / "run/tables/table9.txt",
             "title = A table of ours\ncolumn = c\nr | stage2/bap/val/y_crf ; authors 79\n");
  const std::string program = "'" + std::string(BOXSEG_BIN_DIR) + "/report' --run '" + (dir / "run").string() +
                              "' --output '" + (dir / "out").string() + "'";
  REQUIRE(run_command(program).exit_code == 0);
  CHECK_THAT(read_file(dir / "out/index.html"), Contains("A table of ours") && Contains("<b>70.0</b>"));
  const auto one = run_command(program + " --table '" + (dir / "run/tables/table9.txt").string() + "'");
  REQUIRE(one.exit_code == 0);
  CHECK_THAT(one.out, Contains("| r | 70.0 | 79 | -9.0 |"));
  for (const char* name : {"table9.md", "table9.csv", "table9.json"}) CHECK(fs::exists(dir / "out" / name));
  const std::string own = read_file(dir / "out/table9.html");
  CHECK_THAT(own, Contains("A table of ours") && Contains("<b>70.0</b>") && Contains("<style>"));
  CHECK_NOTHROW(check_html_document(own, "table9.html"));
}

TEST_CASE("a table of pictures also makes a sheet of them, and says what is missing") {
  TemporaryDirectory dir;
  make_run(dir / "run", 4);
  const auto sheet = [&](const std::string& key) {
    write_file(dir / "figure9.txt", "column = labels | truth\nstyle = pictures\nr | " + key + " | - by hand\n");
    return run_command("'" + std::string(BOXSEG_BIN_DIR) + "/report' --run '" + (dir / "run").string() +
                       "' --output '" + (dir / "out").string() + "' --table '" + (dir / "figure9.txt").string() + "'");
  };
  const auto made = sheet("stage2/bap/val/y_crf");
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  const RgbImage picture = read_rgb(dir / "out/figure9.png");
  CHECK(picture.width >= 3 * 150);  // image and boxes, labels, truth
  CHECK(fs::exists(dir / "out/figure9.md"));
  CHECK_THAT(read_file(dir / "out/figure9.html"), Contains("src=\"data:image/jpeg"));
  // The run's page shows the sheet beside its numbers.
  fs::create_directories(dir / "run/tables");
  fs::copy_file(dir / "out/figure9.png", dir / "run/tables/figure9.png");
  fs::copy_file(dir / "figure9.txt", dir / "run/tables/figure9.txt");
  REQUIRE(run_command("'" + std::string(BOXSEG_BIN_DIR) + "/report' --run '" + (dir / "run").string() + "' --output '" +
                      (dir / "page").string() + "' --images 2")
              .exit_code == 0);
  CHECK_THAT(read_file(dir / "page/index.html"), Contains("<img alt=\"figure9\""));
  const auto absent = sheet("stage2/nowhere/val/y_crf");
  CHECK(absent.exit_code == 3);
  CHECK_THAT(absent.err, Contains("stage2/nowhere/val/y_crf"));
}
