#include "common/pipeline/plan/table_file.h"

#include "common/base/error.h"
#include "common/pipeline/plan/preset.h"
#include "common/pipeline/plan/variant_name.h"
#include "tests/pipeline/project_presets.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using test::usage_message_of;

namespace {

struct TableFolder {
  test::TemporaryDirectory dir;
  Table read(const std::string& text, const std::map<std::string, std::string>& placeholders = {}) const {
    write_file(dir / "t.txt", text);
    return read_table(dir / "t.txt", placeholders);
  }
};

}  // namespace

TEST_CASE("a variant's name holds settings and a seed, and gives those that are upstream") {
  const VariantName name = parse_variant("nal+v2+1.grid_3+3.lambda_0.05@2");
  REQUIRE(name.base == "nal");
  REQUIRE(name.has_second_network);
  REQUIRE(name.seed_offset == 2);
  REQUIRE(name.settings.size() == 2);
  REQUIRE(name.settings[0].section == "stage1");
  REQUIRE(name.settings[1].option == "lambda");
  REQUIRE(name.settings[1].value == "0.05");
  REQUIRE(name.text() == "nal+v2+1.grid_3+3.lambda_0.05@2");
  REQUIRE(parse_variant("bap_u_b").settings.empty());
  REQUIRE(upstream_variant(name, "stage3", "bap") == "bap+1.grid_3@2");
  REQUIRE(upstream_variant(parse_variant("bap+1.grid_3+2.grid_2"), "stage2", "bap") == "bap+1.grid_3");
  REQUIRE(upstream_variant(parse_variant("bap@1"), "stage2", "gap@5") == "gap@5");
  for (const char* wrong :
       {"", "a b", "nal@x", "nal+", "nal+grid_3", "nal+4.grid_3", "nal+1.grid", "nal+1._3", "nal+1.grid_"})
    CHECK_FALSE(usage_message_of([&] { parse_variant(wrong); }).empty());
}

TEST_CASE("a table's lines become rows of keys and published numbers, and text again") {
  const TableFolder f;
  const std::string text =
      "title = A title\ncaption = Words.\nrow-title = method\ncolumn = one | two\n"
      "first row | stage2/bap/val/y_crf ; authors 79.2 ; report 78.8 | - nothing to show\n"
      "second | stage3/nal/val/plain / stage3/nal/val/crf ; authors 61 / 68 | time stage1/bap ; report 2.5 h\n";
  const Table table = f.read("# a comment\n\n" + text);
  REQUIRE(table.name == "t");
  REQUIRE(table.columns == std::vector<std::string>{"one", "two"});
  REQUIRE(table.rows.size() == 2);
  REQUIRE(table.rows[0].cells[0].values[0][0].key == "stage2/bap/val/y_crf");
  REQUIRE(table.rows[0].cells[0].report == "78.8");
  REQUIRE(table.rows[0].cells[1].reason == "nothing to show");
  REQUIRE(table.rows[1].cells[0].values.size() == 2);
  REQUIRE(table.rows[1].cells[1].values[0][0].is_time());
  REQUIRE(table.keys().size() == 4);
  REQUIRE(table.text().find("first row | stage2/bap/val/y_crf ; authors 79.2 ; report 78.8 | - nothing to show\n") !=
          std::string::npos);
  REQUIRE(f.read(table.text()).text() == table.text());

  Table repeated = f.read("column = c\nr | stage2/gap/{split}/y_crf / baseline/{split}/grabcut\n", {{"split", "val"}});
  repeated.repeat({1, 2});
  const auto& values = repeated.rows[0].cells[0].values;
  REQUIRE(values[0].size() == 2);
  REQUIRE(values[0][1].key == "stage2/gap@2/val/y_crf");
  REQUIRE(values[1].size() == 1);
  REQUIRE(f.read(repeated.text()).text() == repeated.text());
}

TEST_CASE("a cell may show another number than the mIoU, of a split that only some runs have") {
  const TableFolder f;
  const std::string text =
      "title = t\ncolumn = a | b\nrow | AP50 stage2/bap/{coco}/y_crf_segm ; authors 3 ; - needs COCO | "
      "AP stage2/bap/{coco}/y_crf_segm ; - needs COCO\n";
  const Table table = f.read(text, {{"coco", "train"}});
  const TableKey key = table.rows[0].cells[0].values[0][0];
  REQUIRE(key.number == "AP50");
  REQUIRE(key.key == "stage2/bap/train/y_crf_segm");
  REQUIRE(maker_of(key) == "evaluate/stage2/bap/train/y_crf_segm");
  REQUIRE(table.keys().size() == 2);  // two numbers of one piece of work
  REQUIRE(f.read(table.text()).text() == table.text());
  REQUIRE(f.read(text).rows[0].cells[0].reason == "needs COCO");

  Table repeated = table;
  repeated.repeat({0, 1});
  REQUIRE(repeated.rows[0].cells[0].values[0][1] == TableKey{"stage2/bap@1/train/y_crf_segm", "AP50"});
}

TEST_CASE("a table that cannot be read names the file, the line and what was expected") {
  const TableFolder f;
  const auto refusal = [&](const std::string& text) { return usage_message_of([&] { f.read(text); }); };
  REQUIRE_THAT(refusal("column = a\nrow | mIoU\n"), Contains("t.txt:2") && Contains("'mIoU'"));
  REQUIRE_THAT(refusal("column = a | b\nrow | stage2/bap/val/y_crf\n"), Contains("1 cells in a table of 2 columns"));
  REQUIRE_THAT(refusal("row | stage2/bap/val/y_crf\n"), Contains("column"));
  REQUIRE_THAT(refusal("column = a\nrow | stage2/bap/val/y_crf ; ours 3\n"), Contains("authors NUMBER"));
  REQUIRE_THAT(refusal("column = a\nrow |\n"), Contains("a cell is empty"));
  REQUIRE_THAT(refusal("title = x\n"), Contains("no rows"));
}

TEST_CASE("a cell of the test split has a number where the run has a labelled one, else its reason") {
  const TableFolder f;
  const std::string text =
      "title = t\ncolumn = one\nrow | stage3/nal/{test}/crf ; authors 69 ; report 65 ; - the server alone can tell\n";
  const Table with = f.read(text, {{"test", "held"}}), without = f.read(text);
  REQUIRE(with.rows[0].cells[0].values[0][0].key == "stage3/nal/held/crf");
  REQUIRE(with.has("stage3/nal/held/crf"));
  REQUIRE(without.rows[0].cells[0].values.empty());
  for (const Table& table : {with, without, f.read(without.text())}) {
    REQUIRE(table.rows[0].cells[0].reason == "the server alone can tell");
    REQUIRE(table.rows[0].cells[0].authors == "69");
    REQUIRE(table.rows[0].cells[0].report == "65");
  }
  REQUIRE_THAT(usage_message_of([&] { f.read("column = one\nrow | stage3/nal/{test}/crf\n"); }),
               Contains("'{test}': this run has none"));
  const fs::path data = fs::path(BOXSEG_SOURCE_DIR) / "data";
  const RunPlan plan({data / "presets", data / "variants", "demo", {}, 0, data / "tables", {"table5"}, {}});
  const auto tested = plan.predictions("nal");
  REQUIRE(tested.size() == 3);
  REQUIRE((tested[2].split == "test" && tested[2].mode == "crf"));
  REQUIRE(plan.predictions("ce_crf").size() == 2);
}

TEST_CASE("a table adds the variants that its cells need, for every preset and table of the project") {
  const fs::path data = fs::path(BOXSEG_SOURCE_DIR) / "data";
  RunRequest request{data / "presets", data / "variants", "demo", {}, 0, data / "tables", {"table6", "table7"}, {}};
  const RunPlan plan(request);
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  REQUIRE(has(plan.pipeline.stage2, "bap+1.grid_3+2.grid_2"));
  REQUIRE(has(plan.stage1_variants(), "bap+1.grid_3"));
  REQUIRE_FALSE(has(plan.stage1_variants(), "bap+1.grid_3+2.grid_2"));
  REQUIRE(plan.stage2("bap+1.grid_3+2.grid_2", "val").values.grid == 2);
  REQUIRE(plan.stage1("bap+1.grid_3").values.grid == 3);
  REQUIRE(has(plan.pipeline.stage3, "entropy"));
  REQUIRE(plan.tables.size() == 2);
  request.tables = {"table99"};
  REQUIRE_THAT(usage_message_of([&] { RunPlan p(request); }), Contains("table99"));
  request.preset = "own";  // which predicts nothing
  request.tables = {"table6"};
  REQUIRE_THAT(usage_message_of([&] { RunPlan p(request); }), Contains("tables need predictions"));
  for (const auto& preset : fs::directory_iterator(data / "presets"))
    for (const auto& table : fs::directory_iterator(data / "tables")) {
      if (preset.path().stem() == "own") continue;
      if (preset.path().stem() == "coco2017" && table.path().stem() != "table4") continue;
      INFO(preset.path() << " " << table.path());
      request.preset = test::preset_to_run(preset.path());
      request.tables = {table.path().stem()};
      request.seeds = {1, 2};
      const RunPlan any(request);
      for (const auto& v : any.stage1_variants()) any.stage1(v);
      for (const auto& v : any.stage2_variants()) any.stage2(v, "val");
      for (const auto& v : any.pipeline.stage3) any.stage3(v);
    }
}
