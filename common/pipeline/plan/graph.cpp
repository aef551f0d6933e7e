#include "common/pipeline/plan/graph.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/dataset.h"
#include "common/data/formats/voc/voc_files.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/pending.h"
#include "common/pipeline/plan/receipts.h"
#include "common/pipeline/plan/run_layout.h"
#include "common/pipeline/plan/shell.h"
#include "common/pipeline/stage/digest_cache.h"
#include "common/pipeline/stage/stage_inputs.h"
#include "common/pipeline/stage/staleness.h"

namespace boxseg {
namespace {

std::string option(const std::string& name, const std::string& value) {
  return " --" + name + " " + shell_quote(value);
}
std::string option(const std::string& name, const fs::path& value) { return option(name, value.string()); }

std::string ini_text(const std::string& section, const std::map<std::string, std::string>& values) {
  std::string text = fmt::format(
      "# All options in force; written by plan from the preset, the variant and the command line.\n[{}]\n", section);
  for (const auto& [key, value] : values) text += fmt::format("{} = {}\n", key, value);
  return text;
}

// A run as it stands on disk: the plan, the dataset's index if there is one, and the receipts.
struct RunState {
  explicit RunState(const GraphRequest& request) : plan(request.run), layout{request.run_dir}, boxes(request.boxes) {
    dataset_root = plan.pipeline.dataset == "synthetic" ? layout.synthetic_root()
                   : plan.pipeline.dataset == "boxes"   ? request.images
                                                        : request.voc;
    DigestCache::shared().load(layout.digest_cache(), request.reads_all);
    try {
      if (fs::exists(layout.dataset())) dataset = read_dataset(layout.dataset(), {}, false);
    } catch (const Error&) {
      // A damaged or old index is made again.
    }
  }
  RunState(const RunState&) = delete;  // receipts refers to the other members

  RunPlan plan;
  RunLayout layout;
  fs::path dataset_root, boxes;
  std::optional<Dataset> dataset;
  Receipts receipts{plan, layout, dataset_root, boxes, dataset};
};

// Builds the nodes of one run in order of need.
class Builder {
 public:
  explicit Builder(const GraphRequest& request) : request_(request), state_(request) {}

  std::vector<Node> build() {
    add_dataset();
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
    return std::move(nodes_);
  }

 private:
  std::string program(const std::string& name) const { return shell_quote((request_.bin / name).string()); }
  std::string run_options() const { return request_.run_options.empty() ? "" : " " + request_.run_options; }
  // `words`: "stage3_segment train". The options in force become the file that --config names.
  std::string stage_command(Node& node, const std::string& words, const std::string& config, const std::string& section,
                            const ResolvedOptions& resolved) const {
    const size_t blank = words.find(' ');
    std::string command = request_.launch.empty() ? "" : request_.launch + " ";
    command += program(words.substr(0, blank)) + (blank == std::string::npos ? "" : words.substr(blank));
    node.files[layout_.config(config)] = ini_text(section, resolved.values);
    return command + option("config", layout_.config(config)) + dataset_options();
  }

  // The files are looked for where the run has them now, which may have been copied since dataset.h5 was written.
  std::string dataset_options() const {
    return option("dataset", layout_.dataset()) + option("data-root", state_.dataset_root);
  }

  Node& add(WorkKind kind, std::string subject, std::vector<std::string> needs) {
    Node node;
    node.work = {kind, std::move(subject)};
    node.name = node.work.name();
    node.needs = std::move(needs);
    nodes_.push_back(std::move(node));
    return nodes_.back();
  }

  // A node whose need must run, must run (or at least look).
  void inherit_reason(Node& node) {
    for (const auto& need : node.needs)
      for (const auto& other : nodes_)
        if (other.name == need && !other.reason.empty() && node.reason.empty())
          node.reason = fmt::format("{} will be made again", need);
  }

  // By the manifest of `dir`: `inputs` is called only when the nodes needed are up to date.
  template <class MakeInputs>
  void decide_by_manifest(Node& node, const fs::path& dir, const ProgramInfo& maker, const ResolvedOptions& resolved,
                          MakeInputs inputs) {
    const fs::path path = dir / "manifest.h5";
    node.proofs.push_back(path);
    const auto manifest = try_read_manifest(path);
    if (!manifest) {
      node.reason = kNotMade;
      return;
    }
    node.check = check_command(maker, path);
    inherit_reason(node);
    if (!node.reason.empty()) return;
    try {
      node.reason = staleness(*manifest, dir, {maker.name, maker.fingerprint, resolved, inputs()});
    } catch (const Error& e) {
      node.reason = e.what();
    }
  }

  std::string check_command(const ProgramInfo& maker, const fs::path& path) const {
    return program(maker.name.substr(0, maker.name.find(' '))) + option("check", path);
  }

  void look_at_checkpoint(Node& node, const fs::path& dir, const ProgramInfo& maker) {
    const fs::path path = dir / "checkpoint.pt";
    if (node.check.empty() || !fs::exists(path)) return;
    node.checkpoint = path;
    node.checkpoint_check = check_command(maker, path);
  }

  // By its receipt, which the recipe's last command writes.
  void decide_by_receipt(Node& node) {
    node.record = request_.plan_command + option("record", node.name);
    const fs::path path = layout_.receipt(node.name);
    node.proofs.push_back(path);
    if (!fs::exists(path)) node.reason = kNotMade;
    inherit_reason(node);
    if (node.reason.empty()) node.reason = state_.receipts.why_stale(node.work);
    node.damage = state_.receipts.why_damaged(node.work);
  }

  const Dataset& dataset() const {
    if (!state_.dataset) fail("{} is not there yet", layout_.dataset().string());
    return *state_.dataset;
  }

  void add_dataset() {
    Node& node = add(WorkKind::dataset, "", {});
    node.files[layout_.config("dataset")] = ini_text("dataset", plan_.dataset);
    const auto& p = plan_.pipeline;
    if (is_of_own_photos()) return add_own_dataset(node);
    const bool is_synthetic = p.dataset == "synthetic";
    if (!is_synthetic && request_.voc.empty())
      fail_usage("the preset {} needs a VOC folder: VOC=/path/to/VOC2012 (with JPEGImages, Annotations, ImageSets)",
                 request_.run.preset);
    if (is_synthetic)
      node.commands.push_back(program("prepare") + " synthetic" + option("config", layout_.config("dataset")) +
                              option("output", state_.dataset_root) + run_options());
    std::string command = program("prepare") + " voc" + option("root", state_.dataset_root);
    for (const auto& split : p.splits) command += option("split", split);
    if (!p.masks.empty()) command += option("masks", p.masks);
    if (!p.without_boxes.empty()) command += option("without-boxes", join(p.without_boxes, ","));
    node.commands.push_back(command + option("output", layout_.dataset()) + run_options());
    decide_dataset(node);
  }

  bool is_of_own_photos() const { return plan_.pipeline.dataset == "boxes"; }

  void add_own_dataset(Node& node) {
    if (request_.images.empty() || request_.boxes.empty())
      fail_usage("{}: no photographs and boxes were named for this run yet: IMAGES=photos BOXES=boxes.json",
                 layout_.run.string());
    const auto absolute = [](const fs::path& path) { return fs::absolute(path).lexically_normal().string(); };
    node.files[layout_.source()] =
        fmt::format("[plan]\nimages = {}\nboxes = {}\nclassifier = {}\n", absolute(request_.images),
                    absolute(request_.boxes), request_.classifier.empty() ? "" : absolute(request_.classifier));
    node.commands.push_back(program("prepare") + " boxes" + option("config", layout_.config("dataset")) +
                            option("images", request_.images) + option("boxes", request_.boxes) +
                            option("masks", layout_.outlines()) + option("output", layout_.dataset()) + run_options());
    decide_dataset(node);
  }

  void decide_dataset(Node& node) {
    decide_by_receipt(node);
    if (state_.dataset)
      node.check = program("prepare") + " check " + shell_quote(layout_.dataset().string()) +
                   option("data-root", state_.dataset_root);
    else
      node.reason = kNotMade;
  }

  void add_stage1(const std::string& variant) {
    const auto stage = plan_.stage1(variant);
    const fs::path dir = layout_.stage1(variant);
    Node& node = add(WorkKind::stage1, variant, {"dataset"});
    std::string command = stage_command(node, "stage1_classify", "stage1-" + variant, "stage1", stage.resolved);
    if (!stage.values.init.empty()) command += option("init", stage.values.init);
    node.commands.push_back(command + option("output", dir) + run_options());
    decide_by_manifest(node, dir, stage1_info(), stage.resolved,
                       [&] { return stage1_inputs(stage.values, dataset()); });
    look_at_checkpoint(node, dir, stage1_info());
  }

  // Own photographs are measured where true masks came with them.
  bool is_measured(const std::string& split) const {
    if (split != plan_.pipeline.evaluate_split) return false;
    if (!is_of_own_photos()) return true;
    if (!state_.dataset) return false;
    const auto& members = state_.dataset->split(split);
    return std::any_of(members.begin(), members.end(),
                       [&](int64_t i) { return !state_.dataset->images[static_cast<size_t>(i)].mask_path.empty(); });
  }

  // Stage 2 of one variant and split, and what is measured of it.
  void add_labels(const std::string& variant, const std::string& split) {
    add_stage2(variant, split);
    if (!is_measured(split)) return;
    const fs::path dir = layout_.stage2(variant, split);
    const std::string key = fmt::format("stage2/{}/{}", variant, split);
    add_evaluation(key + "/y_crf", key, "miou", option("predictions", dir / "Y_crf"));
    add_evaluation(key + "/y_ret", key, "miou", option("predictions", dir / "Y_ret"));
    add_evaluation(key + "/agreement", key, "agreement",
                   option("y-crf", dir / "Y_crf") + option("y-ret", dir / "Y_ret"));
  }

  // As its manifest has it. One without is read by the program alone, which then says whether there is anything to do.
  static Digest digest_of_classifier(const fs::path& path) {
    const auto manifest = try_read_manifest(path.parent_path() / "manifest.h5");
    if (!manifest) fail("{} has no manifest beside it, so that the program itself has to look", path.string());
    return output_digest(*manifest, path.filename().string());
  }

  void add_stage2(const std::string& variant, const std::string& split) {
    const auto stage = plan_.stage2(variant, split);
    const fs::path dir = layout_.stage2(variant, split), classifier = layout_.stage1(stage.from);
    const bool is_given = !request_.classifier.empty();
    const fs::path checkpoint = is_given ? request_.classifier : classifier / "classifier.pt";
    const std::string subject = variant + "/" + split, need = is_given ? "dataset" : "stage1/" + stage.from;
    const int64_t shards = plan_.pipeline.shards;
    std::vector<std::string> needs = {need};
    for (int64_t i = 0; i < shards && shards > 1; ++i)
      needs.push_back(add(WorkKind::shard, fmt::format("{}/shard-{}", subject, i), {need}).name);
    Node& node = add(WorkKind::stage2, subject, needs);
    const std::string command =
        stage_command(node, "stage2_pseudolabel", "stage2-" + variant + "-" + split, "stage2", stage.resolved) +
        option("checkpoint", checkpoint) + option("output", dir);
    if (shards > 1)
      node.commands.push_back(program("stage2_pseudolabel") + " merge" + option("output", dir) + run_options());
    else
      node.commands.push_back(command + run_options());
    decide_by_manifest(node, dir, stage2_info(), stage.resolved,
                       [&] { return stage2_inputs(stage.values, dataset(), digest_of_classifier(checkpoint)); });
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(dir / "attention", ignored))  // manifests of the shards
      if (entry.path().string().ends_with(".manifest.h5")) node.proofs.push_back(entry.path());
    // Shards are looked at by the program itself: a finished one says so and ends at once.
    for (int64_t i = 0; i < shards && shards > 1; ++i) {
      Node& shard = nodes_[nodes_.size() - 1 - static_cast<size_t>(shards - i)];
      shard.commands.push_back(command + option("shard", fmt::format("{}/{}", i, shards)) + run_options());
      shard.reason = node.reason;
    }
  }

  void add_stage3(const std::string& variant) {
    const auto stage = plan_.stage3(variant);
    const std::string train_split = plan_.pipeline.train_split;
    const fs::path dir = layout_.stage3(variant), labels = layout_.stage2(stage.from, train_split);
    std::vector<std::string> needs = {"dataset"};
    if (!stage.from.empty()) needs.push_back("stage2/" + stage.from + "/" + train_split);
    Node& node = add(WorkKind::stage3, variant, needs);
    std::string command = stage_command(node, "stage3_segment train", "stage3-" + variant, "stage3", stage.resolved);
    if (!stage.from.empty()) command += option("labels", labels);
    if (!stage.values.init.empty()) command += option("init", stage.values.init);
    node.commands.push_back(command + option("output", dir) + run_options());
    decide_by_manifest(node, dir, stage3_train_info(), stage.resolved, [&] {
      return stage3_inputs(stage.values, dataset(),
                           stage.from.empty() ? "" : labels_digest(read_manifest(labels / "manifest.h5")));
    });
    look_at_checkpoint(node, dir, stage3_train_info());
    for (const auto& [split, mode] : plan_.predictions(variant)) add_predictions(variant, split, mode);
  }

  void add_predictions(const std::string& variant, const std::string& split, const std::string& mode) {
    const auto predict = plan_.predict(variant, split, mode);
    const fs::path dir = layout_.predictions(variant, split, mode), stage = layout_.stage3(variant);
    const std::string subject = fmt::format("{}/{}/{}", variant, split, mode);
    Node& node = add(WorkKind::predict, subject, {"stage3/" + variant});
    node.commands.push_back(stage_command(node, "stage3_segment predict",
                                          RunLayout::prediction_name(variant, split, mode), "predict",
                                          predict.resolved) +
                            option("checkpoint", stage / "segmenter.pt") + option("output", dir) + run_options());
    decide_by_manifest(node, dir, stage3_predict_info(), predict.resolved, [&] {
      return predict_inputs(predict.values, dataset(),
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
    Node& node = add(WorkKind::server, variant + "/" + mode, {need});
    node.commands.push_back(program("evaluate") + " server" + option("dataset", layout_.dataset()) +
                            option("split", split) + option("predictions", predictions) +
                            option("output", layout_.server_archive(variant, mode)) + run_options());
    decide_by_receipt(node);
  }

  void add_baseline(const std::string& kind) {
    add_evaluation(fmt::format("baseline/{}/{}", plan_.pipeline.evaluate_split, kind), "dataset", "baseline",
                   option("kind", kind));
  }

  // `key`: where the numbers stand in metrics.json; `verb` and `what`: of `evaluate`.
  void add_evaluation(const std::string& key, const std::string& need, const std::string& verb,
                      const std::string& what) {
    Node& node = add(WorkKind::evaluate, key, {need});
    node.commands.push_back(program("evaluate") + " " + verb + dataset_options() +
                            option("split", split_of_number(key)) + option("json", layout_.metrics()) +
                            option("key", key) + what + run_options());
    decide_by_receipt(node);
  }

  // What people with photographs of their own want: the masks in the format of their boxes, and where to look first.
  void add_review_and_masks(const std::string& labels) {
    const std::string split = plan_.pipeline.train_split;
    const auto of_labels =
        option("dataset", layout_.dataset()) + option("split", split) + option("labels", layout_.run / labels);
    Node& review = add(WorkKind::review, "", {labels});
    review.commands.push_back(program("evaluate") + " review" + of_labels + option("output", layout_.review()) +
                              run_options());
    decide_by_receipt(review);
    Node& masks = add(WorkKind::masks, "", {labels});
    masks.commands.push_back(program("prepare") + " export" + of_labels + option("output", layout_.masks()) +
                             run_options());
    decide_by_receipt(masks);
  }

  // A cell appears as soon as its number is there: every piece of work that makes one also shows the table as it is
  // then, so that a run that takes days, or that fails in one variant, has a table of the others.
  void add_table(const Table& table) {
    const std::string show = program("report") + option("run", layout_.run) + option("data-root", state_.dataset_root) +
                             option("table", layout_.table(table.name)) + option("output", layout_.tables());
    std::vector<std::string> needs;
    std::vector<PendingKey> pending;
    for (const auto& key : table.keys()) {
      const std::string name = maker_of(key);
      const auto maker = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& n) { return n.name == name; });
      if (maker == nodes_.end())
        fail_usage("{}: nothing of this run makes {} ({}); see splits and modes of the preset {}", table.name, key.key,
                   name, request_.run.preset);
      const bool is_new = std::find(needs.begin(), needs.end(), maker->name) == needs.end();
      if (is_new) needs.push_back(maker->name);
      if (maker->reason.empty()) continue;
      pending.push_back({key.key, maker->proofs.front()});
      if (is_new) maker->shows.push_back(show + option("pending", layout_.pending(table.name)));
    }
    Node& node = add(WorkKind::table, table.name, needs);
    node.files[layout_.table(table.name)] = table.text();
    const fs::path pending_file = layout_.pending(table.name);
    if (!pending.empty()) node.files[pending_file] = pending_text(pending_file, pending);
    node.commands.push_back(show);
    decide_by_receipt(node);
  }

  // Nobody else may need it: archives are for VOC's classes only.
  bool is_of_unlabelled_test(const Node& node) const {
    return node.work.kind == WorkKind::predict && plan_.is_unlabelled_test(node.work.words()[1]);
  }

  void add_report() {
    std::vector<std::string> needs;
    for (const auto& node : nodes_) {
      const WorkKind kind = node.work.kind;
      if (kind == WorkKind::evaluate || kind == WorkKind::table || kind == WorkKind::server ||
          kind == WorkKind::review || is_of_unlabelled_test(node))
        needs.push_back(node.name);
    }
    Node& node = add(WorkKind::report, "", needs);
    const std::string shown =
        is_of_own_photos() ? option("split", plan_.pipeline.train_split) + option("images", std::string("60")) : "";
    node.commands.push_back(program("report") + option("run", layout_.run) + option("data-root", state_.dataset_root) +
                            shown + option("output", layout_.report()));
    decide_by_receipt(node);
    const fs::path page = layout_.report() / "index.html";
    if (fs::exists(page)) node.check = program("report") + option("check", page);
  }

  const GraphRequest& request_;
  RunState state_;
  const RunPlan& plan_ = state_.plan;
  const RunLayout& layout_ = state_.layout;
  std::vector<Node> nodes_;
};

}  // namespace

std::vector<Node> make_graph(const GraphRequest& request) { return Builder(request).build(); }

void record_receipt(const GraphRequest& request, const std::string& node) {
  RunState(request).receipts.record(parse_work(node));
  DigestCache::shared().save();
}

}  // namespace boxseg
