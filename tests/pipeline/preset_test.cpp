#include "common/pipeline/plan/preset.h"

#include "common/base/error.h"
#include "tests/pipeline/project_presets.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using test::usage_message_of;

namespace {

// Makes a folder of presets and one of variants.
struct Folders {
  test::TemporaryDirectory dir;
  Folders() {
    write_file(dir / "presets/base.ini",
               "[pipeline]\nsplits = train=train,val=val\nstage3 = nal, ce\n[stage1]\nbatch = 7\nlearning_rate = 1e-2\n"
               "[stage2]\nthreshold = 0.5\n");
    write_file(dir / "presets/small.ini", "from = base\n[stage1]\nbatch = 3\n");
    write_file(dir / "presets/loop.ini", "from = loop\n");
    write_file(dir / "presets/typo.ini", "[stage1]\nbacth = 3\n");
    write_file(dir / "variants/bap.ini", "[stage1]\npooling = bap\n[stage2]\nfrom = bap\n");
    write_file(dir / "variants/other.ini", "[stage2]\nfrom = gap\nthreshold = 0.25\n");
    write_file(dir / "variants/ce.ini", "[stage3]\nloss = ce_crf\nfrom = other\n");
    write_file(dir / "variants/truth.ini", "[stage3]\nloss = true_masks\n");
  }
  RunPlan plan(const std::string& preset, std::vector<std::string> overrides = {}, int64_t seed = 0) const {
    return RunPlan({dir / "presets", dir / "variants", preset, std::move(overrides), seed});
  }
};

}  // namespace

TEST_CASE("a preset inherits from another and a variant goes over both") {
  Folders f;
  const RunPlan plan = f.plan("small");
  REQUIRE(plan.stage1("bap").values.batch == 3);
  REQUIRE(plan.stage1("bap").resolved.values.at("learning-rate") == "0.01");
  REQUIRE(plan.stage2("bap", "val").values.threshold == 0.5);
  REQUIRE(plan.stage2("other", "val").values.threshold == 0.25);
  REQUIRE(plan.stage2("other", "val").from == "gap");
  REQUIRE(plan.stage2("other", "val").resolved.values.at("split") == "val");
  REQUIRE(plan.stage3("ce").from == "other");
  REQUIRE(plan.stage3("truth").from.empty());
}

TEST_CASE("PRESET+OTHER puts the second on top, and one that goes on top of others goes nowhere else") {
  Folders f;
  write_file(f.dir / "presets/own_way.ini",
             "on-top-of = any\n[pipeline]\nmodes = plain, crf\n[stage3]\nschedule_every = 10\n[stage1]\nbatch = 5\n");
  const RunPlan plan = f.plan("small+own_way");
  REQUIRE(plan.stage1("bap").values.batch == 5);
  REQUIRE(plan.stage1("bap").resolved.values.at("learning-rate") == "0.01");
  REQUIRE(plan.stage3("ce").values.schedule_every == 10);
  REQUIRE(f.plan("small").stage3("ce").values.schedule_every == 1);
  REQUIRE(plan.pipeline.modes == std::vector<std::string>{"plain", "crf"});
  REQUIRE_THAT(usage_message_of([&] { f.plan("own_way"); }), Contains("goes on top of another"));
  REQUIRE_THAT(usage_message_of([&] { f.plan("small+own_wya"); }), Contains("did you mean 'own_way'?"));
}

TEST_CASE("the command line goes over preset and variant, and only in its section") {
  Folders f;
  const RunPlan plan = f.plan("small", {"stage2.threshold=0.75", "stage1.crop=65"});
  REQUIRE(plan.stage2("other", "train").values.threshold == 0.75);
  REQUIRE(plan.stage1("bap").values.crop == 65);
  REQUIRE(plan.stage3("ce").values.crop == 321);
}

TEST_CASE("NAME@2 is the variant with its seed moved by 2") {
  Folders f;
  REQUIRE(f.plan("small", {}, 10).stage1("bap@2").resolved.values.at("seed") == "12");
  REQUIRE(f.plan("small", {}, 10).stage1("bap").resolved.values.at("seed") == "10");
  // What lies upstream carries the seed, too.
  REQUIRE(f.plan("small").stage2("other@2", "val").from == "gap@2");
  REQUIRE(f.plan("small").stage3("ce@3").from == "other@3");
}

TEST_CASE("what a listed variant builds on is made, too, and no more") {
  Folders f;
  const std::vector<std::string> overrides = {"pipeline.stage1=bap", "pipeline.stage2=bap,bap@1",
                                              "pipeline.stage3=nal,ce@1"};
  write_file(f.dir / "variants/nal.ini", "[stage3]\nloss = nal\nfrom = bap\n");
  write_file(f.dir / "variants/gap.ini", "[stage1]\npooling = gap\n");
  const RunPlan plan = f.plan("small", overrides);
  REQUIRE(plan.stage2_variants() == std::vector<std::string>{"bap", "bap@1", "other@1"});
  REQUIRE(plan.stage1_variants() == std::vector<std::string>{"bap", "bap@1", "gap@1"});
  // Val is measured, and train is learned from.
  REQUIRE(plan.splits_to_label("bap") == std::vector<std::string>{"val", "train"});
  REQUIRE(plan.splits_to_label("bap@1") == std::vector<std::string>{"val"});
  REQUIRE(plan.splits_to_label("other@1") == std::vector<std::string>{"train"});
  const RunPlan labels_only = f.plan("small", {"pipeline.stage2=bap", "pipeline.stage3="});
  REQUIRE(labels_only.splits_to_label("bap") == std::vector<std::string>{"train", "val"});
}

TEST_CASE("modes of prediction set tta and crf") {
  Folders f;
  const RunPlan plan = f.plan("small");
  REQUIRE_FALSE(plan.predict("ce", "val", "plain").values.crf);
  REQUIRE(plan.predict("ce", "val", "crf").values.crf);
  REQUIRE(plan.predict("ce", "val", "tta_crf").values.tta);
  REQUIRE(plan.predict("ce", "val", "tta_crf").values.crf);
  REQUIRE_FALSE(plan.predict("ce", "val", "tta").values.crf);
  REQUIRE_THROWS_AS(plan.predict("ce", "val", "fancy"), Error);
}

TEST_CASE("a test split without labels is predicted as the measured one is, a labelled one when a table asks") {
  Folders f;
  REQUIRE(f.plan("small").predictions("ce").size() == 1);
  const std::string splits = "pipeline.splits=train=train_aug,val=val,test=test", test = "pipeline.test-split=test";
  REQUIRE(f.plan("small", {splits, test}).predictions("ce").size() == 1);
  const RunPlan plan = f.plan("small", {splits, test, "pipeline.without-boxes=test"});
  REQUIRE(plan.predictions("ce").size() == 2);
  REQUIRE(plan.predictions("ce")[1].split == "test");
  REQUIRE(plan.predict("ce", "test", "crf").resolved.values.at("split") == "test");
  REQUIRE(plan.is_unlabelled_test("test"));
  REQUIRE_FALSE(plan.is_unlabelled_test("val"));
  REQUIRE(plan.pipeline.splits.front() == "train=train_aug");
}

TEST_CASE("wrong names are refused with the nearest known one") {
  Folders f;
  REQUIRE_THAT(usage_message_of([&] { f.plan("smal"); }), Contains("did you mean 'small'"));
  REQUIRE_THAT(usage_message_of([&] { f.plan("loop"); }), Contains("leads back to itself"));
  REQUIRE_THAT(usage_message_of([&] { f.plan("small").stage2("othr", "val"); }), Contains("did you mean 'other'"));
  REQUIRE_THAT(usage_message_of([&] { f.plan("typo").stage1("bap"); }), Contains("did you mean batch"));
  REQUIRE_THAT(usage_message_of([&] { f.plan("small", {"stage9.x=1"}).stage1("bap"); }), Contains("stage9"));
  REQUIRE_THAT(usage_message_of([&] { f.plan("small", {"stage2.treshold=1"}).stage2("bap", "val"); }),
               Contains("threshold"));
}

TEST_CASE("every preset and variant of the project resolves") {
  const fs::path data = fs::path(BOXSEG_SOURCE_DIR) / "data";
  for (const auto& entry : fs::directory_iterator(data / "presets")) {
    const RunPlan plan({data / "presets", data / "variants", test::preset_to_run(entry.path()), {}, 0});
    for (const auto& v : plan.pipeline.stage1) plan.stage1(v);
    for (const auto& v : plan.pipeline.stage2)
      for (const auto& split : plan.pipeline.label_splits) plan.stage2(v, split);
    for (const auto& v : plan.pipeline.stage3) {
      plan.stage3(v);
      for (const auto& [split, mode] : plan.predictions(v)) plan.predict(v, split, mode);
    }
  }
}

TEST_CASE("a name with a line break is refused before it is written into a Makefile") {
  const test::TemporaryDirectory dir;
  for (const std::string options : {"--run 'a\nb'", "--run a --launch 'srun\n  touch x'", "--run a --voc 'v\rw'"}) {
    const auto result = test::run_command(
        fmt::format("cd '{}' && '{}/plan' --presets '{}/data/presets' --variants '{}/data/variants' "
                    "--preset tiny {}",
                    dir.path().string(), BOXSEG_BIN_DIR, BOXSEG_SOURCE_DIR, BOXSEG_SOURCE_DIR, options));
    CAPTURE(options, result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains("holds a line break, which no Makefile takes"));
    CHECK(fs::is_empty(dir.path()));
  }
}
