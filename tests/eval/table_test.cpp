// The tables of the report: values of a run beside the published ones, in every form.
#include "eval/table_values.h"

#include <cmath>

#include "common/base/files.h"
#include "tests/eval/made_up_run.h"
#include "tests/support/support.h"

#include <catch2/catch.hpp>

using namespace boxseg;
using namespace boxseg::test;
using Catch::Contains;

namespace {

void put_manifest(const fs::path& folder, std::map<std::string, std::string> options, double seconds,
                  std::map<std::string, Digest> inputs = {}, std::vector<ManifestOutput> outputs = {}) {
  Manifest manifest;
  manifest.program = "made up";
  manifest.options = std::move(options);
  manifest.inputs = std::move(inputs);
  manifest.outputs = std::move(outputs);
  manifest.facts = {{"images", "60"}};
  manifest.wall_time_s = seconds;
  write_manifest(folder / "manifest.h5", manifest);
}

// Two seeds of the labels, a network before and after its CRF; the second labels have other scores.
void make_small_run(const fs::path& run) {
  for (const auto& [key, miou] : std::map<std::string, double>{{"stage2/bap/val/y_crf", 70}, {"stage2/bap@1/val/y_crf", 74},
                                                               {"stage3/nal/val/plain", 50.5}, {"stage3/nal/val/crf", 60.5}})
    merge_metrics(run / "metrics.json", key, {{"miou", miou}});
  for (const char* seed : {"", "@1"}) {
    put_manifest(run / ("stage1/bap" + std::string(seed)), {{"iterations", "600"}}, 3725, {}, {{"classifier.pt", 1, "digest" + std::string(seed)}});
    put_manifest(run / ("stage2/bap" + std::string(seed) + "/val"), {}, 10, {{"checkpoint", "digest" + std::string(seed)}});
  }
  put_manifest(run / "stage3/nal", {{"iterations", "900"}}, 90);
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
  const FilledTable table = fill_table(
      table_of(dir, "title = T\ncolumn = mIoU\n"
                    "labels | stage2/bap/val/y_crf & stage2/bap@1/val/y_crf ; authors 79.2\n"
                    "net | stage3/nal/val/plain / stage3/nal/val/crf ; authors 62.4 / 68.1 ; report 61.4 / 64.8\n"
                    "gone | stage3/ce_crf/val/crf ; report 1\n"
                    "time | time stage1/bap ; report 2.5 h\n"
                    "server | - nobody knows\n"),
      run);
  REQUIRE(table.missing == 1);
  const TableValue& labels = table.rows[0][0].values[0];
  REQUIRE(*labels.mean == 72);
  REQUIRE(*labels.spread == Approx(std::sqrt(8.0)));
  REQUIRE(*labels.authors == 79.2);
  REQUIRE_THAT(labels.how, Contains("600 steps") && Contains("60 images"));
  REQUIRE_THAT(table.rows[1][0].values[1].how, Contains("900 steps") && Contains("TTA off, CRF on"));
  const std::string text = markdown_of(table);
  CHECK_THAT(text, Contains("| labels | 72.0 ± 2.8 | 79.2 | -7.2 |"));
  CHECK_THAT(text, Contains("| net | 50.5 / 60.5 | 62.4 / 68.1 | -11.9 / -7.6 | 61.4 / 64.8 | -10.9 / -4.3 |"));
  CHECK_THAT(text, Contains("| gone | – |") && Contains("1 values are not there yet"));
  CHECK_THAT(text, Contains("| time | 1 h 02 min") && Contains("| server | nobody knows |"));

  const std::string csv = csv_of(table);
  CHECK_THAT(csv, Contains("\"net\",\"mIoU\",60.5000,percent,,68.1000,64.8000,-7.6000,-4.3000,"));
  CHECK_THAT(csv, Contains("\"time\",\"mIoU\",3725.0000,seconds"));
  const auto json = nlohmann::json::parse(json_of(table));
  REQUIRE(json["values"].size() == 5);
  CHECK(json["values"][0]["spread"].get<double>() == Approx(std::sqrt(8.0)));
  CHECK(json["values"][3]["value"].is_null());
  const std::string html = html_of(table);
  CHECK_THAT(html, Contains("<b>72.0 ± 2.8</b></td><td>79.2</td><td>-7.2</td>") && Contains("nobody knows"));
}

TEST_CASE("a heat map colours its cells from the lowest to the highest value") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  const FilledTable table = fill_table(table_of(dir, "column = a | b\nstyle = heat\nrow | stage3/nal/val/plain | stage3/nal/val/crf ; report 61\n"),
                                       open_run(dir / "run", {}));
  const std::string html = html_of(table);
  CHECK_THAT(html, Contains("--v:0\"") && Contains("--v:100\"") && Contains("(report 61)"));
  CHECK_THAT(markdown_of(table), Contains("| row | 50.5 | 60.5 (report 61) |"));
}

TEST_CASE("the page of a run shows the tables that were asked for; report --table writes one") {
  TemporaryDirectory dir;
  make_small_run(dir / "run");
  write_file(dir / "run/tables/table9.txt", "title = A table of ours\ncolumn = c\nr | stage2/bap/val/y_crf ; authors 79\n");
  const std::string program = "'" + std::string(BOXSEG_BIN_DIR) + "/report' --run '" + (dir / "run").string() + "' --output '" + (dir / "out").string() + "'";
  REQUIRE(run_command(program).exit_code == 0);
  CHECK_THAT(read_file(dir / "out/index.html"), Contains("A table of ours") && Contains("<b>70.0</b>"));
  const auto one = run_command(program + " --table '" + (dir / "run/tables/table9.txt").string() + "'");
  REQUIRE(one.exit_code == 0);
  CHECK_THAT(one.out, Contains("| r | 70.0 | 79 | -9.0 |"));
  for (const char* name : {"table9.md", "table9.csv", "table9.json"}) CHECK(fs::exists(dir / "out" / name));
}

TEST_CASE("a table of pictures also makes a sheet of them, and says what is missing") {
  TemporaryDirectory dir;
  make_run(dir / "run", 4);
  const auto sheet = [&](const std::string& key) {
    write_file(dir / "figure9.txt", "column = labels | truth\nstyle = pictures\nr | " + key + " | - by hand\n");
    return run_command("'" + std::string(BOXSEG_BIN_DIR) + "/report' --run '" + (dir / "run").string() + "' --output '" +
                       (dir / "out").string() + "' --table '" + (dir / "figure9.txt").string() + "'");
  };
  const auto made = sheet("stage2/bap/val/y_crf");
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  const RgbImage picture = read_rgb(dir / "out/figure9.png");
  CHECK(picture.width >= 3 * 150);  // image and boxes, labels, truth
  CHECK(fs::exists(dir / "out/figure9.md"));
  const auto absent = sheet("stage2/nowhere/val/y_crf");
  CHECK(absent.exit_code == 3);
  CHECK_THAT(absent.err, Contains("stage2/nowhere/val/y_crf"));
}
