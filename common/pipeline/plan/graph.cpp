#include "common/pipeline/plan/graph.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/dataset.h"
#include "common/data/formats/voc/voc_files.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/classifier_file.h"
#include "common/pipeline/plan/pending.h"
#include "common/pipeline/plan/run_nodes.h"
#include "common/pipeline/plan/shell.h"
#include "common/pipeline/stage/digest_cache.h"
#include "common/pipeline/stage/staleness.h"

namespace boxseg {
namespace {

// Builds the nodes of one run in order of need.
class Builder {
 public:
  explicit Builder(const GraphRequest& request) : request_(request), state_(request), nodes_(request_, state_) {}

  std::vector<Node> build() {
    add_dataset();
    if (!request_.masks.empty()) add_given_masks();
    if (request_.classifier.empty() && plan_.pipeline.stage1.empty())
      fail_usage("the preset {} trains no classifier: CLASSIFIER=runs/voc2012_vgg16/stage1/bap/classifier.pt",
                 request_.run.preset);
    if (request_.classifier.empty())
      for (const auto& v : plan_.stage1_variants()) add_stage1(v);
    for (const auto& v : plan_.stage2_variants())
      for (const auto& split : plan_.splits_to_label(v)) add_labels(v, split);
    for (const auto& v : plan_.pipeline.stage3) add_stage3(v);
    for (const auto& kind : plan_.pipeline.baselines) add_baseline(kind);
    if (is_of_own_photos())
      for (const auto& v : plan_.pipeline.stage2)
        add_review_and_masks("stage2/" + v + "/" + plan_.pipeline.train_split);
    for (const auto& table : plan_.tables) add_table(table);
    add_report();
    DigestCache::shared().save();
    return std::move(nodes_.all());
  }

 private:
  void add_dataset() {
    Node& node = nodes_.add(WorkKind::dataset, "", {});
    node.files[layout_.config("dataset")] = ini_text("dataset", plan_.dataset);
    const auto& p = plan_.pipeline;
    if (is_of_own_photos()) return add_own_dataset(node);
    if (is_of_coco()) return add_coco_dataset(node);
    const bool is_synthetic = p.dataset == "synthetic";
    if (!is_synthetic && request_.voc.empty())
      fail_usage("the preset {} needs a VOC folder: VOC=/path/to/VOC2012 (with JPEGImages, Annotations, ImageSets)",
                 request_.run.preset);
    if (is_synthetic)
      node.commands.push_back(nodes_.program("prepare") + " synthetic" + option("config", layout_.config("dataset")) +
                              option("output", state_.sources.root) + nodes_.run_options());
    std::string command = nodes_.program("prepare") + " voc" + option("root", state_.sources.root);
    for (const auto& split : p.splits) command += option("split", split);
    if (!p.masks.empty()) command += option("masks", p.masks);
    if (!p.without_boxes.empty()) command += option("without-boxes", join(p.without_boxes, ","));
    node.commands.push_back(command + option("output", layout_.dataset()) + nodes_.run_options());
    decide_dataset(node);
  }

  bool is_of_own_photos() const { return plan_.pipeline.dataset == "boxes"; }

  bool is_of_coco() const { return plan_.pipeline.dataset == "coco"; }

  // Whether any variant of stage 2 writes COCO results.
  bool makes_results() const {
    const auto variants = plan_.stage2_variants();
    return std::any_of(variants.begin(), variants.end(), [&](const std::string& v) {
      return !plan_.stage2(v, plan_.pipeline.evaluate_split).values.instances.empty();
    });
  }

  void add_coco_dataset(Node& node) {
    if (request_.coco.empty())
      fail_usage("the preset {} needs a folder of COCO: COCO=/path/to/coco (with annotations, train2017, val2017)",
                 request_.run.preset);
    for (const auto& text : plan_.pipeline.splits)
      if (const fs::path file = state_.sources.coco.annotations(NamedList(text).list); !fs::is_regular_file(file))
        fail_usage(
            "COCO={}: has no {}; name the folder that holds annotations, train2017 and val2017, or other splits "
            "(SET=\"pipeline.splits=val=val2017 pipeline.label-splits=val pipeline.evaluate-split=val\")",
            request_.coco.string(), file.lexically_relative(request_.coco).string());
    std::string command = nodes_.program("prepare") + " coco" + option("config", layout_.config("dataset"));
    for (const auto& text : plan_.pipeline.splits) {
      const NamedList split(text);
      // What cannot be measured by is better said now than after days of labelling.
      if (split.name == plan_.pipeline.evaluate_split && makes_results())
        node.commands.push_back(nodes_.program("evaluate") + " coco" +
                                option("check", state_.sources.coco.annotations(split.list)) + nodes_.run_options());
      command += option("split", split.name) + option("annotations", state_.sources.coco.annotations(split.list)) +
                 option("images", state_.sources.coco.images(split.list));
    }
    node.commands.push_back(command + option("masks", layout_.outlines()) + option("output", layout_.dataset()) +
                            nodes_.run_options());
    decide_dataset(node);
  }

  void add_own_dataset(Node& node) {
    if (request_.images.empty() || request_.boxes.empty())
      fail_usage("{}: no photographs and boxes were named for this run yet{}: IMAGES=photos BOXES=boxes.json",
                 layout_.run.string(), fs::exists(layout_.fragment()) ? "" : layout_.other_runs());
    const auto absolute = [](const fs::path& path) { return fs::absolute(path).lexically_normal().string(); };
    node.files[layout_.source()] = fmt::format(
        "[plan]\nimages = {}\nboxes = {}\nmasks = {}\nclassifier = {}\nclass-map = {}\nseed = {}\nset = {}\n",
        absolute(request_.images), absolute(request_.boxes), request_.masks.empty() ? "" : absolute(request_.masks),
        request_.classifier.empty() ? "" : absolute(request_.classifier), request_.class_map, request_.run.seed,
        fmt::join(request_.run.overrides, std::string(1, kBetweenSettings)));
    node.commands.push_back(nodes_.program("prepare") + " boxes" + option("config", layout_.config("dataset")) +
                            option("images", request_.images) + option("boxes", request_.boxes) +
                            option("masks", layout_.outlines()) + option("copies", layout_.copies()) +
                            option("sheet", layout_.box_sheet()) + option("output", layout_.dataset()) +
                            nodes_.run_options());
    decide_dataset(node);
  }

  void decide_dataset(Node& node) {
    nodes_.decide_by_receipt(node);
    if (state_.dataset)
      node.check = nodes_.program("prepare") + " check " + shell_quote(layout_.dataset().string()) +
                   option("data-root", state_.sources.root);
    else
      node.reason = kNotMade;
  }

  // Whatever split of own photographs is labelled, its images are among these.
  void add_given_masks() {
    if (!is_of_own_photos())
      fail_usage("--masks {}: goes with photographs and boxes of your own, and {} is of another dataset",
                 request_.masks.string(), request_.run.preset);
    Node& node = nodes_.add(WorkKind::given, "", {"dataset"});
    std::string command = nodes_.program("prepare") + " labels" + option("masks", request_.masks) +
                          nodes_.dataset_options() + option("split", std::string("all"));
    if (const auto rule = plan_.dataset.find("on-bad-image"); rule != plan_.dataset.end())
      command += option("on-bad-image", rule->second);
    node.commands.push_back(command + option("output", layout_.given_masks()) + nodes_.run_options());
    nodes_.decide_by_receipt(node);
    if (const fs::path manifest = layout_.given_masks() / "manifest.h5"; fs::exists(manifest))
      node.check = nodes_.program("prepare") + " labels" + option("check", manifest);
  }

  void add_stage1(const std::string& variant) {
    const auto stage = plan_.stage1(variant);
    const fs::path dir = layout_.stage1(variant);
    Node& node = nodes_.add(WorkKind::stage1, variant, {"dataset"});
    std::string command = nodes_.stage_command(node, "stage1_classify", "stage1-" + variant, "stage1", stage.resolved);
    if (!stage.values.init.empty()) command += option("init", stage.values.init);
    node.commands.push_back(command + option("output", dir) + nodes_.run_options());
    nodes_.decide_by_manifest(node, dir, stage1_info(), stage.resolved,
                              [&] { return stage1_inputs(stage.values, state_.indexed()); });
    nodes_.look_at_checkpoint(node, dir, stage1_info());
  }

  // Own photographs are measured where true masks came with them: but not where these are the labels themselves, kept
  // or given.
  bool is_measured(const std::string& variant, const std::string& split) const {
    if (split != plan_.pipeline.evaluate_split) return false;
    if (plan_.stage2(variant, split).values.true_masks == "keep") return false;
    if (!is_of_own_photos()) return true;
    if (std::error_code ignored; fs::equivalent(request_.masks, request_.boxes, ignored)) return false;
    if (!state_.dataset) return false;
    const auto& members = state_.dataset->split(split);
    return std::any_of(members.begin(), members.end(),
                       [&](int64_t i) { return !state_.dataset->images[static_cast<size_t>(i)].mask_path.empty(); });
  }

  // Stage 2 of one variant and split, and what is measured of it.
  void add_labels(const std::string& variant, const std::string& split) {
    add_stage2(variant, split);
    if (!is_measured(variant, split)) return;
    const fs::path dir = layout_.stage2(variant, split);
    const std::string key = fmt::format("stage2/{}/{}", variant, split);
    add_evaluation(key + "/y_crf", key, "miou", option("predictions", dir / "Y_crf"));
    add_evaluation(key + "/y_ret", key, "miou", option("predictions", dir / "Y_ret"));
    add_evaluation(key + "/agreement", key, "agreement",
                   option("y-crf", dir / "Y_crf") + option("y-ret", dir / "Y_ret"));
    if (!is_of_coco()) return;
    if (plan_.stage2(variant, split).values.instances.empty()) return;
    add_coco_evaluation(key + "/y_crf_segm", key, split, dir / "instances.json");
    add_coco_evaluation(key + "/y_ret_segm", key, split, dir / "instances_ret.json");
  }

  void add_stage2(const std::string& variant, const std::string& split) {
    auto stage = plan_.stage2(variant, split);
    if (!request_.masks.empty()) stage.values.given_masks = layout_.given_masks();
    const fs::path dir = layout_.stage2(variant, split), classifier = layout_.stage1(stage.from);
    const bool is_given = !request_.classifier.empty();
    const fs::path checkpoint = is_given ? request_.classifier : classifier / "classifier.pt";
    const std::string subject = variant + "/" + split, need = is_given ? "dataset" : "stage1/" + stage.from;
    const int64_t shards = plan_.pipeline.shards;
    std::vector<std::string> needs = {need};
    if (!request_.masks.empty()) needs.push_back("given_masks");
    const std::vector<std::string> needs_of_shard = needs;
    for (int64_t i = 0; i < shards && shards > 1; ++i)
      needs.push_back(nodes_.add(WorkKind::shard, fmt::format("{}/shard-{}", subject, i), needs_of_shard).name);
    Node& node = nodes_.add(WorkKind::stage2, subject, needs);
    const std::string command =
        nodes_.stage_command(node, "stage2_pseudolabel", "stage2-" + variant + "-" + split, "stage2", stage.resolved) +
        option("checkpoint", checkpoint) +
        (stage.values.given_masks.empty() ? "" : option("given-masks", stage.values.given_masks)) +
        option("output", dir);
    if (shards > 1)
      node.commands.push_back(nodes_.program("stage2_pseudolabel") + " merge" + option("output", dir) +
                              nodes_.run_options());
    else
      node.commands.push_back(command + nodes_.run_options());
    nodes_.decide_by_manifest(node, dir, stage2_info(), stage.resolved, [&] {
      return stage2_inputs(stage.values, state_.indexed(), digest_of_classifier(checkpoint));
    });
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(dir / "attention", ignored))  // manifests of the shards
      if (entry.path().string().ends_with(".manifest.h5")) node.proofs.push_back(entry.path());
    // Shards are looked at by the program itself: a finished one says so and ends at once.
    for (int64_t i = 0; i < shards && shards > 1; ++i) {
      Node& shard = nodes_.all()[nodes_.all().size() - 1 - static_cast<size_t>(shards - i)];
      shard.commands.push_back(command + option("shard", fmt::format("{}/{}", i, shards)) + nodes_.run_options());
      shard.reason = node.reason;
    }
  }

  void add_stage3(const std::string& variant) {
    const auto stage = plan_.stage3(variant);
    const std::string train_split = plan_.pipeline.train_split;
    const fs::path dir = layout_.stage3(variant), labels = layout_.stage2(stage.from, train_split);
    std::vector<std::string> needs = {"dataset"};
    if (!stage.from.empty()) needs.push_back("stage2/" + stage.from + "/" + train_split);
    Node& node = nodes_.add(WorkKind::stage3, variant, needs);
    std::string command =
        nodes_.stage_command(node, "stage3_segment train", "stage3-" + variant, "stage3", stage.resolved);
    if (!stage.from.empty()) command += option("labels", labels);
    if (!stage.values.init.empty()) command += option("init", stage.values.init);
    node.commands.push_back(command + option("output", dir) + nodes_.run_options());
    nodes_.decide_by_manifest(node, dir, stage3_train_info(), stage.resolved, [&] {
      return stage3_inputs(stage.values, state_.indexed(),
                           stage.from.empty() ? "" : labels_digest(read_manifest(labels / "manifest.h5")));
    });
    nodes_.look_at_checkpoint(node, dir, stage3_train_info());
    for (const auto& [split, mode] : plan_.predictions(variant)) add_predictions(variant, split, mode);
  }

  void add_predictions(const std::string& variant, const std::string& split, const std::string& mode) {
    const auto predict = plan_.predict(variant, split, mode);
    const fs::path dir = layout_.predictions(variant, split, mode), stage = layout_.stage3(variant);
    const std::string subject = fmt::format("{}/{}/{}", variant, split, mode);
    Node& node = nodes_.add(WorkKind::predict, subject, {"stage3/" + variant});
    node.commands.push_back(
        nodes_.stage_command(node, "stage3_segment predict", RunLayout::prediction_name(variant, split, mode),
                             "predict", predict.resolved) +
        option("checkpoint", stage / "segmenter.pt") + option("output", dir) + nodes_.run_options());
    nodes_.decide_by_manifest(node, dir, stage3_predict_info(), predict.resolved, [&] {
      return predict_inputs(predict.values, state_.indexed(),
                            output_digest(read_manifest(stage / "manifest.h5"), "segmenter.pt"));
    });
    const std::string name = node.name;
    if (!plan_.is_unlabelled_test(split))
      add_evaluation("stage3/" + subject, name, "miou", option("predictions", dir));
    else if (has_voc_classes())
      add_server_archive(variant, mode, name, dir);
  }

  // Before there is an index nothing else is known of a VOC folder; `evaluate server` looks again.
  bool has_voc_classes() const {
    if (plan_.pipeline.dataset != "voc") return false;
    return !state_.dataset || state_.dataset->class_names == voc_class_names();
  }

  void add_server_archive(const std::string& variant, const std::string& mode, const std::string& need,
                          const fs::path& predictions) {
    const std::string split = plan_.pipeline.test_split;
    Node& node = nodes_.add(WorkKind::server, variant + "/" + mode, {need});
    node.commands.push_back(nodes_.program("evaluate") + " server" + option("dataset", layout_.dataset()) +
                            option("split", split) + option("predictions", predictions) +
                            option("output", layout_.server_archive(variant, mode)) + nodes_.run_options());
    nodes_.decide_by_receipt(node);
  }

  void add_baseline(const std::string& kind) {
    add_evaluation(fmt::format("baseline/{}/{}", plan_.pipeline.evaluate_split, kind), "dataset", "baseline",
                   option("kind", kind));
  }

  // `key`: where the numbers stand in metrics.json; `verb` and `what`: of `evaluate`.
  void add_evaluation(const std::string& key, const std::string& need, const std::string& verb,
                      const std::string& what) {
    Node& node = nodes_.add(WorkKind::evaluate, key, {need});
    node.commands.push_back(nodes_.program("evaluate") + " " + verb + nodes_.dataset_options() +
                            option("split", split_of_number(key)) + option("json", layout_.metrics()) +
                            option("key", key) + what + nodes_.run_options());
    nodes_.decide_by_receipt(node);
  }

  // Measures the masks of a split by the annotations that it was made from.
  void add_coco_evaluation(const std::string& key, const std::string& need, const std::string& split,
                           const fs::path& detections) {
    const fs::path truth = state_.sources.coco.annotations(list_of(plan_.pipeline.splits, split));
    Node& node = nodes_.add(WorkKind::evaluate, key, {need});
    node.commands.push_back(nodes_.program("evaluate") + " coco" + option("ground-truth", truth) +
                            option("detections", detections) + option("json", layout_.metrics()) + option("key", key) +
                            nodes_.run_options());
    nodes_.decide_by_receipt(node);
  }

  // What people with photographs of their own want: the masks in the format of their boxes, and where to look first.
  void add_review_and_masks(const std::string& labels) {
    const std::string split = plan_.pipeline.train_split;
    const auto of_labels = option("split", split) + option("labels", layout_.run / labels);
    Node& review = nodes_.add(WorkKind::review, "", {labels});
    review.commands.push_back(nodes_.program("evaluate") + " review" + nodes_.dataset_options() + of_labels +
                              option("output", layout_.review()) + nodes_.run_options());
    nodes_.decide_by_receipt(review);
    Node& masks = nodes_.add(WorkKind::masks, "", {labels});
    masks.commands.push_back(nodes_.program("prepare") + " export" + option("dataset", layout_.dataset()) + of_labels +
                             option("output", layout_.masks()) + nodes_.run_options());
    nodes_.decide_by_receipt(masks);
  }

  // A cell appears as soon as its number is there: every piece of work that makes one also shows the table as it is
  // then, so that a run that takes days, or that fails in one variant, has a table of the others.
  void add_table(const Table& table) {
    const std::string show = nodes_.program("report") + option("run", layout_.run) +
                             option("data-root", state_.sources.root) + option("table", layout_.table(table.name)) +
                             option("output", layout_.tables());
    std::vector<std::string> needs;
    std::vector<PendingKey> pending;
    for (const auto& key : table.keys()) {
      const std::string name = maker_of(key);
      const auto maker =
          std::find_if(nodes_.all().begin(), nodes_.all().end(), [&](const Node& n) { return n.name == name; });
      if (maker == nodes_.all().end())
        fail_usage("{}: nothing of this run makes {} ({}); see splits and modes of the preset {}", table.name, key.key,
                   name, request_.run.preset);
      const bool is_new = std::find(needs.begin(), needs.end(), maker->name) == needs.end();
      if (is_new) needs.push_back(maker->name);
      if (maker->reason.empty()) continue;
      pending.push_back({key.key, maker->proofs.front()});
      if (is_new) maker->shows.push_back(show + option("pending", layout_.pending(table.name)));
    }
    Node& node = nodes_.add(WorkKind::table, table.name, needs);
    node.files[layout_.table(table.name)] = table.text();
    const fs::path pending_file = layout_.pending(table.name);
    if (!pending.empty()) node.files[pending_file] = pending_text(pending_file, pending);
    node.commands.push_back(show);
    nodes_.decide_by_receipt(node);
  }

  // Nobody else may need it: archives are for VOC's classes only.
  bool is_of_unlabelled_test(const Node& node) const {
    return node.work.kind == WorkKind::predict && plan_.is_unlabelled_test(node.work.words()[1]);
  }

  void add_report() {
    std::vector<std::string> needs;
    for (const auto& node : nodes_.all()) {
      const WorkKind kind = node.work.kind;
      if (kind == WorkKind::evaluate || kind == WorkKind::table || kind == WorkKind::server ||
          kind == WorkKind::review || kind == WorkKind::masks || is_of_unlabelled_test(node))
        needs.push_back(node.name);
    }
    Node& node = nodes_.add(WorkKind::report, "", needs);
    const std::string shown =
        is_of_own_photos() ? option("split", plan_.pipeline.train_split) + option("images", std::string("60")) : "";
    node.commands.push_back(nodes_.program("report") + option("run", layout_.run) +
                            option("data-root", state_.sources.root) + shown + option("output", layout_.report()));
    nodes_.decide_by_receipt(node);
    const fs::path page = layout_.report() / "index.html";
    if (fs::exists(page)) node.check = nodes_.program("report") + option("check", page);
  }

  const GraphRequest& request_;
  RunState state_;
  const RunPlan& plan_ = state_.plan;
  const RunLayout& layout_ = state_.layout;
  RunNodes nodes_;
};

}  // namespace

std::vector<Node> make_graph(const GraphRequest& request) { return Builder(request).build(); }

void record_receipt(const GraphRequest& request, const std::string& node) {
  RunState(request).receipts.record(parse_work(node));
  DigestCache::shared().save();
}

}  // namespace boxseg
