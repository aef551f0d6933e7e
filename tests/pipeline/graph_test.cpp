// Pieces of work follow from a preset.
#include "common/pipeline/plan/graph.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/pipeline/plan/shell.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

struct Project {
  test::TemporaryDirectory dir;
  fs::path coco, classifier;
  void make_coco() const {
    for (const char* split : {"train", "val"})
      write_file(coco / fmt::format("annotations/instances_{}2017.json", split), "{}");
  }
  std::vector<Node> nodes(const std::string& preset, std::vector<std::string> overrides,
                          std::vector<std::string> tables = {}, const fs::path& masks = {}) const {
    const fs::path data = fs::path(BOXSEG_SOURCE_DIR) / "data";
    GraphRequest request;
    request.run = {data / "presets", data / "variants", preset, std::move(overrides), 0,
                   data / "tables",  std::move(tables), {}};
    request.run_dir = dir / "run";
    request.bin = "bin";
    request.voc = dir / "VOC";
    request.coco = coco;
    request.classifier = classifier;
    request.images = dir / "photos";
    request.boxes = dir / "boxes.json";
    request.masks = masks;
    request.plan_command = "plan";
    return make_graph(request);
  }
};

const Node* find(const std::vector<Node>& nodes, const std::string& name) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

bool needs(const Node& node, const std::string& name) {
  return std::find(node.needs.begin(), node.needs.end(), name) != node.needs.end();
}

const std::vector<std::string> kWithTest = {"pipeline.splits=train=train_aug,val=val,test=test",
                                            "pipeline.without-boxes=test", "pipeline.test-split=test"};

}  // namespace

TEST_CASE("a test split of VOC is indexed without boxes, predicted, and archived for the server, but not measured") {
  const Project project;
  const auto nodes = project.nodes("voc2012_vgg16", kWithTest);
  REQUIRE_THAT(find(nodes, "dataset")->commands.at(0), Contains("--split test=test --without-boxes test"));
  for (const std::string mode : {"plain", "tta", "tta_crf"}) {
    const Node* predict = find(nodes, "predict/nal/test/" + mode);
    REQUIRE(predict != nullptr);
    REQUIRE_THAT(predict->commands.at(0),
                 Contains("config/predict-nal-test-" + mode + ".ini") && Contains("predictions/test/" + mode));
    REQUIRE_THAT(find(nodes, "predict/nal/val/" + mode)->commands.at(0),
                 Contains("config/predict-nal-val-" + mode + ".ini"));
    REQUIRE(find(nodes, "evaluate/stage3/nal/test/" + mode) == nullptr);
    const Node* server = find(nodes, "server/nal/" + mode);
    REQUIRE(server != nullptr);
    REQUIRE(needs(*server, predict->name));
    REQUIRE_THAT(server->commands.at(0),
                 Contains("evaluate server") && Contains("--split test") && Contains("server/nal/" + mode + ".tar.gz"));
    REQUIRE(needs(*find(nodes, "report"), server->name));
  }
}

TEST_CASE("without a test split nothing is archived, and a labelled one is measured where a table asks for it") {
  const Project project;
  for (const auto& node : project.nodes("voc2012_vgg16", {})) {
    REQUIRE(node.work.kind != WorkKind::server);
    REQUIRE_THAT(node.name, !Contains("/test/"));
  }
  for (const auto& node : project.nodes("tiny", {})) REQUIRE_THAT(node.name, !Contains("/test/"));
  const auto nodes = project.nodes("tiny", {}, {"table5"});
  REQUIRE(find(nodes, "predict/nal/test/plain") == nullptr);
  REQUIRE(find(nodes, "predict/nal/test/crf") != nullptr);
  const Node* measured = find(nodes, "evaluate/stage3/nal/test/crf");
  REQUIRE(measured != nullptr);
  REQUIRE_THAT(measured->commands.at(0), Contains("--split test"));
  REQUIRE(needs(*find(nodes, "table/table5"), measured->name));
  REQUIRE(std::none_of(nodes.begin(), nodes.end(), [](const Node& n) { return n.work.kind == WorkKind::server; }));
}

TEST_CASE("VOC's own training list is a preset over the one of trainaug") {
  const Project project;
  REQUIRE_THAT(find(project.nodes("voc2012_train1464", {}), "dataset")->commands.at(0),
               Contains("train=train ") && Contains("val=val"));
  REQUIRE_THAT(find(project.nodes("voc2012_vgg16", {}), "dataset")->commands.at(0), Contains("train=train_aug"));
}

TEST_CASE("masks of another tool stand between the index of own photographs and their labels") {
  const Project project;
  const auto nodes = project.nodes("own", {"dataset.on-bad-image=skip", "pipeline.shards=2"}, {}, "my masks");
  const Node* given = find(nodes, "given_masks");
  REQUIRE(given != nullptr);
  REQUIRE(needs(*given, "dataset"));
  REQUIRE_THAT(given->commands.at(0), Contains("labels --masks 'my masks'") && Contains("--split all") &&
                                          Contains("--on-bad-image skip") && Contains("run/given_masks"));
  for (const char* name : {"stage2/bap/all", "stage2/bap/all/shard-0", "stage2/bap/all/shard-1"})
    REQUIRE(needs(*find(nodes, name), "given_masks"));
  REQUIRE_THAT(find(nodes, "stage2/bap/all/shard-1")->commands.at(0),
               Contains("--given-masks ") && Contains("run/given_masks"));
  const auto without = project.nodes("own", {});
  REQUIRE(find(without, "given_masks") == nullptr);
  REQUIRE_THAT(find(without, "stage2/bap/all")->commands.at(0), !Contains("given"));
  const auto failure = test::failure_of([&] { project.nodes("tiny", {}, {}, "my masks"); });
  REQUIRE(failure.kind == ErrorKind::usage);
  REQUIRE_THAT(failure.message, Contains("--masks my masks: goes with photographs and boxes of your own"));
}

TEST_CASE("a run of own photographs remembers the given classifier and what its classes stand for") {
  const test::TemporaryDirectory dir;
  const std::string data = BOXSEG_SOURCE_DIR + "/data/";
  const auto plan = [&](const std::string& words) {
    return test::run_command(fmt::format("{} --preset own --presets {} --variants {} --run {} {}",
                                         shell_quote(BOXSEG_BIN_DIR + "/plan"), shell_quote(data + "presets"),
                                         shell_quote(data + "variants"), shell_quote((dir / "run").string()), words));
  };
  const auto options_of_stage2 = [&] { return read_file(dir / "run/config/stage2-bap-all.ini"); };
  write_file(dir / "boxes.csv", "a.jpg,1,2,3,4,pet cat\n");
  const std::string photos = fmt::format("--images {0} --boxes {0}/boxes.csv", shell_quote(dir.path().string()));
  const std::string map = R"(cat=pet cat,it's #1=l'été\, 50 %)";
  const auto refused = plan(photos + " --class-map " + shell_quote(map));
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("is of a classifier that is given (CLASSIFIER=classifier.pt)"));

  const std::string named = "--classifier " + shell_quote((dir / "c.pt").string());
  const auto absent = plan(photos + " " + named);
  CHECK(absent.exit_code == 2);
  CHECK_THAT(absent.err, Contains("no such file; name a classifier.pt"));
  write_file(dir / "c.pt", "made up");
  const auto first = plan(photos + " " + named + " --class-map " + shell_quote(map));
  INFO(first.err);
  REQUIRE(first.exit_code == 0);
  CHECK_THAT(options_of_stage2(), Contains("class-map = " + map + "\n"));
  fs::remove(dir / "run/config/stage2-bap-all.ini");
  REQUIRE(plan("").exit_code == 0);
  CHECK_THAT(options_of_stage2(), Contains("class-map = " + map + "\n"));
  REQUIRE(plan("--class-map dog=hound --set stage2.class-map=x=y").exit_code == 0);
  CHECK_THAT(options_of_stage2(), Contains("class-map = dog=hound\n"));
  REQUIRE(plan("").exit_code == 0);
  CHECK_THAT(options_of_stage2(), Contains("class-map = dog=hound\n"));
  CHECK(plan("--class-map 'a=b\nc=d'").exit_code == 2);
}

TEST_CASE("COCO is indexed from its own folders, labelled by a given classifier, and measured by its annotations") {
  Project project;
  REQUIRE_THAT(test::usage_message_of([&] { project.nodes("coco2017", {}); }), Contains("COCO=/path/to/coco"));
  project.coco = project.dir / "coco";
  const auto refusal = [&] { return test::usage_message_of([&] { project.nodes("coco2017", {}); }); };
  REQUIRE_THAT(refusal(), Contains("has no annotations/instances_train2017.json"));
  project.make_coco();
  REQUIRE_THAT(refusal(), Contains("CLASSIFIER="));
  project.classifier = project.dir / "classifier.pt";
  const auto nodes = project.nodes("coco2017", {}, {"table4"});
  const std::string annotations = (project.coco / "annotations/instances_train2017.json").string();
  REQUIRE_THAT(find(nodes, "dataset")->commands.at(0), Contains("evaluate coco --check " + annotations));
  REQUIRE_THAT(find(nodes, "dataset")->commands.at(1),
               Contains("prepare coco") && Contains("--split train --annotations " + annotations) &&
                   Contains("--images " + (project.coco / "train2017").string()) && Contains("/run/outlines"));
  REQUIRE(find(nodes, "stage1/bap") == nullptr);
  REQUIRE_THAT(find(nodes, "stage2/bap/train")->commands.at(0),
               Contains("--checkpoint " + project.classifier.string()) &&
                   Contains("--data-root " + (project.coco / "train2017").string()));
  for (const auto& [key, results] : {std::pair{"y_crf_segm", "instances.json"}, {"y_ret_segm", "instances_ret.json"}}) {
    const Node* node = find(nodes, std::string("evaluate/stage2/bap/train/") + key);
    REQUIRE(node != nullptr);
    REQUIRE_THAT(node->commands.at(0), Contains("evaluate coco --ground-truth " + annotations) && Contains(results));
    REQUIRE(needs(*find(nodes, "table/table4"), node->name));
  }
  // The root of two splits is the folder that holds both.
  const auto two = project.nodes("coco2017", {"pipeline.splits=train=train2017,val=val2017"});
  REQUIRE_THAT(find(two, "stage2/bap/train")->commands.at(0), Contains("--data-root " + project.coco.string() + " "));
  // Without results there is no average precision.
  const auto without = project.nodes("coco2017", {"stage2.instances="});
  REQUIRE(find(without, "evaluate/stage2/bap/train/y_crf_segm") == nullptr);
}

TEST_CASE("a preset that trains on COCO indexes both subsets, and its stages find their photographs in one root") {
  Project project;
  project.coco = project.dir / "coco";
  project.make_coco();
  const std::string coco = project.coco.string();
  const auto nodes = project.nodes("coco2017_vgg16", {});
  const Node* dataset = find(nodes, "dataset");
  for (const std::string subset : {"train", "val"})
    REQUIRE_THAT(dataset->commands.at(0),
                 Contains(fmt::format("--split {0} --annotations {1}/annotations/instances_{0}2017.json --images "
                                      "{1}/{0}2017",
                                      subset, coco)));
  REQUIRE_THAT(dataset->files.at(project.dir / "run/config/dataset.ini"),
               Contains("skip-grayscale = true") && Contains("skip-unannotated = true"));
  for (const char* name : {"stage1/bap", "stage2/bap/train", "stage3/nal", "predict/nal/val/plain"})
    REQUIRE_THAT(find(nodes, name)->commands.at(0), Contains("--data-root " + coco + " "));
}
