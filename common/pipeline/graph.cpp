#include "common/pipeline/graph.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/dataset.h"
#include "common/io/manifest.h"
#include "common/pipeline/digest_cache.h"
#include "common/pipeline/fingerprints.h"
#include "common/pipeline/shell.h"
#include "common/pipeline/stage_inputs.h"
#include "common/pipeline/stage_run.h"

namespace boxseg {
namespace {

using Resolved = std::map<std::string, std::string>;

std::string ini_text(const std::string& section, const Resolved& values) {
  std::string text = fmt::format("# All options in force; written by plan from the preset, the variant and the command line.\n[{}]\n", section);
  for (const auto& [key, value] : values) text += fmt::format("{} = {}\n", key, value);
  return text;
}

// "NAME=LIST" -> NAME and LIST.
std::pair<std::string, std::string> parse_split(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) fail_usage("[pipeline] splits: '{}' is not of the form NAME=LIST", text);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

// Size and modification time of a file as text, "-" when it is absent.
std::string stamp(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "-";
  return fmt::format("{}:{}.{}", static_cast<int64_t>(status.st_size), static_cast<int64_t>(status.st_mtim.tv_sec),
                     static_cast<int64_t>(status.st_mtim.tv_nsec));
}

// Builds the nodes of one run in order of need.
class Builder {
 public:
  explicit Builder(const GraphRequest& request) : request_(request), plan_(request.run) {
    DigestCache::shared().load(request_.run_dir / "digests.txt");
    try {
      if (fs::exists(dataset_path())) dataset_ = read_dataset(dataset_path());
    } catch (const Error&) {
      // A damaged or old index is made again.
    }
  }

  std::vector<Node> build() {
    add_dataset();
    for (const auto& v : stage1_variants()) add_stage1(v);
    for (const auto& v : plan_.pipeline.stage2) add_stage2_all(v);
    for (const auto& v : plan_.pipeline.stage3) add_stage3(v);
    for (const auto& kind : plan_.pipeline.baselines) add_baseline(kind);
    add_report();
    DigestCache::shared().save();
    return std::move(nodes_);
  }

  void write_configs() {
    write_config("dataset", "dataset", plan_.dataset);
    for (const auto& v : stage1_variants()) write_config("stage1-" + v, "stage1", plan_.stage1(v).resolved);
    for (const auto& v : plan_.pipeline.stage2)
      for (const auto& split : splits_to_label(v))
        write_config("stage2-" + v + "-" + split, "stage2", plan_.stage2(v, split).resolved);
    for (const auto& v : plan_.pipeline.stage3) {
      write_config("stage3-" + v, "stage3", plan_.stage3(v).resolved);
      for (const auto& mode : plan_.pipeline.modes)
        write_config("predict-" + v + "-" + mode, "predict", plan_.predict(v, mode).resolved);
    }
  }

  std::string receipt(const std::string& node) {
    if (node == "dataset") return dataset_receipt();
    if (node == "report") return report_receipt();
    if (node.rfind("evaluate/", 0) == 0) return evaluate_receipt(node.substr(9));
    fail_usage("--record {}: no such piece of work keeps a receipt", node);
  }

  fs::path receipt_path(const std::string& node) const { return request_.run_dir / "receipts" / node; }

 private:
  fs::path dataset_path() const { return request_.run_dir / "dataset.h5"; }
  fs::path stage_dir(const std::string& stage, const std::string& variant) const { return request_.run_dir / stage / variant; }
  fs::path labels_dir(const std::string& variant, const std::string& split) const { return stage_dir("stage2", variant) / split; }
  fs::path predictions_dir(const std::string& variant, const std::string& mode) const {
    return stage_dir("stage3", variant) / "predictions" / plan_.pipeline.evaluate_split / mode;
  }
  fs::path config_path(const std::string& name) const { return request_.run_dir / "config" / (name + ".ini"); }

  // Those listed, and those that stage 2 builds on.
  std::vector<std::string> stage1_variants() const {
    std::vector<std::string> variants = plan_.pipeline.stage1;
    for (const auto& v : plan_.pipeline.stage2) {
      const std::string from = plan_.stage2(v, plan_.pipeline.train_split).from;
      if (std::find(variants.begin(), variants.end(), from) == variants.end()) variants.push_back(from);
    }
    return variants;
  }

  void write_config(const std::string& name, const std::string& section, const Resolved& values) {
    const std::string text = ini_text(section, values);
    const fs::path path = config_path(name);
    if (!fs::exists(path) || read_file(path) != text) write_file(path, text);
  }

  std::string program(const std::string& name) const { return shell_quote((request_.bin / name).string()); }
  static std::string option(const std::string& name, const std::string& value) { return " --" + name + " " + shell_quote(value); }
  static std::string option(const std::string& name, const fs::path& value) { return option(name, value.string()); }
  std::string stage_command(const std::string& words, const std::string& config) const {
    const size_t blank = words.find(' ');
    std::string command = request_.launch.empty() ? "" : request_.launch + " ";
    command += program(words.substr(0, blank)) + (blank == std::string::npos ? "" : words.substr(blank));
    command += option("config", config_path(config));
    return command;
  }
  std::string run_options() const { return request_.run_options.empty() ? "" : " " + request_.run_options; }

  Node& add(std::string name, std::string group, std::vector<std::string> needs) {
    nodes_.push_back({std::move(name), std::move(group), std::move(needs), {}, {}});
    return nodes_.back();
  }

  // A node whose need must run, must run (or at least look).
  void inherit_reason(Node& node) {
    for (const auto& need : node.needs)
      for (const auto& other : nodes_)
        if (other.name == need && !other.reason.empty() && node.reason.empty()) node.reason = fmt::format("{} will be made again", need);
  }

  // Reason by manifest: `inputs` is called only when the nodes needed are up to date.
  template <class MakeInputs>
  void decide_by_manifest(Node& node, const fs::path& dir, const std::string& fingerprint, const Resolved& resolved, MakeInputs inputs) {
    const auto manifest = try_read_manifest(dir / "manifest.h5");
    if (!manifest) {
      node.reason = "it was not made yet";
      return;
    }
    inherit_reason(node);
    if (!node.reason.empty()) return;
    try {
      node.reason = staleness(*manifest, fingerprint, resolved, inputs());
    } catch (const Error& e) {
      node.reason = e.what();
    }
    if (!node.reason.empty()) return;
    for (const auto& output : manifest->outputs) {
      struct stat status {};
      if (::stat((dir / output.path).c_str(), &status) != 0) node.reason = output.path + " is missing";
      else if (status.st_size != output.size_bytes) node.reason = output.path + " has another size than when it was made";
      if (!node.reason.empty()) return;
    }
  }

  void decide_by_receipt(Node& node) {
    const fs::path path = receipt_path(node.name);
    if (!fs::exists(path)) node.reason = "it was not made yet";
    inherit_reason(node);
    if (node.reason.empty() && trim(read_file(path)) != receipt(node.name)) node.reason = "what it is made from changed";
  }

  void record_after(Node& node) { node.commands.push_back(request_.plan_command + option("record", node.name)); }

  // --- dataset ---------------------------------------------------------------------------------------------------------
  bool is_synthetic() const { return plan_.pipeline.dataset == "synthetic"; }
  fs::path dataset_root() const { return is_synthetic() ? request_.run_dir / "data" : request_.voc; }

  void add_dataset() {
    Node& node = add("dataset", "dataset", {});
    if (!is_synthetic() && request_.voc.empty())
      fail_usage("the preset {} needs a VOC folder: VOC=/path/to/VOC2012 (with JPEGImages, Annotations, ImageSets)", request_.run.preset);
    if (is_synthetic())
      node.commands.push_back(program("prepare") + " synthetic" + option("config", config_path("dataset")) +
                              option("output", dataset_root()) + run_options());
    std::string command = program("prepare") + " voc" + option("root", dataset_root());
    for (const auto& split : plan_.pipeline.splits) command += option("split", split);
    if (!plan_.pipeline.masks.empty()) command += option("masks", plan_.pipeline.masks);
    node.commands.push_back(command + option("output", dataset_path()) + run_options());
    record_after(node);
    if (!dataset_) node.reason = "it was not made yet";
    else decide_by_receipt(node);
  }

  std::string dataset_receipt() {
    Hasher hasher;
    hasher.text(kPrepareFingerprint).text(plan_.pipeline.dataset).text(plan_.pipeline.masks);
    for (const auto& split : plan_.pipeline.splits) hasher.text(split);
    if (is_synthetic())
      for (const auto& [key, value] : plan_.dataset) hasher.text(key).text(value);
    const fs::path root = dataset_root();
    for (const auto& split : plan_.pipeline.splits) hasher.text(split_list_stamp(root, parse_split(split).second));
    if (dataset_)
      for (const auto& image : dataset_->images) {
        hasher.text(stamp(root / image.path)).text(stamp(root / "Annotations" / (image.id + ".xml")));
        if (!image.mask_path.empty()) hasher.text(stamp(root / image.mask_path));
      }
    hasher.text(stamp(dataset_path()));
    return hasher.digest();
  }

  // Lists are named as for `prepare voc`: a path, or a name below ImageSets/Segmentation.
  static std::string split_list_stamp(const fs::path& root, const std::string& list) {
    for (const fs::path& path : {fs::path(list), root / list, root / "ImageSets" / "Segmentation" / list,
                                 root / "ImageSets" / "Segmentation" / (list + ".txt")})
      if (fs::is_regular_file(path)) return DigestCache::shared().digest_of(path);
    return "-";
  }

  // --- stages ----------------------------------------------------------------------------------------------------------
  const Dataset& dataset() const {
    if (!dataset_) fail("dataset.h5 is not there yet");
    return *dataset_;
  }

  void add_stage1(const std::string& variant) {
    const auto stage = plan_.stage1(variant);
    Node& node = add("stage1/" + variant, "stage1", {"dataset"});
    std::string command = stage_command("stage1_classify", "stage1-" + variant) + option("dataset", dataset_path());
    if (!stage.values.init.empty()) command += option("init", stage.values.init);
    node.commands.push_back(command + option("output", stage_dir("stage1", variant)) + run_options());
    decide_by_manifest(node, stage_dir("stage1", variant), kStage1Fingerprint, stage.resolved,
                       [&] { return stage1_inputs(stage.values, dataset()); });
  }

  // Labels of the training split are made for the variants that a stage-3 variant learns from (for all, without one).
  std::vector<std::string> splits_to_label(const std::string& variant) const {
    const auto& p = plan_.pipeline;
    const bool is_learned_from =
        p.stage3.empty() || std::any_of(p.stage3.begin(), p.stage3.end(), [&](const auto& v) { return plan_.stage3(v).from == variant; });
    std::vector<std::string> splits;
    for (const auto& split : p.label_splits)
      if (split != p.train_split || split == p.evaluate_split || is_learned_from) splits.push_back(split);
    return splits;
  }

  void add_stage2_all(const std::string& variant) {
    for (const auto& split : splits_to_label(variant)) {
      add_stage2(variant, split);
      if (split == plan_.pipeline.evaluate_split)
        for (const char* kind : {"y_crf", "y_ret"})
          add_evaluation(fmt::format("stage2/{}/{}/{}", variant, split, kind), "stage2/" + variant + "/" + split,
                         labels_dir(variant, split) / (kind == std::string("y_crf") ? "Y_crf" : "Y_ret"));
      if (split == plan_.pipeline.evaluate_split) add_agreement(variant, split);
    }
  }

  void add_stage2(const std::string& variant, const std::string& split) {
    const auto stage = plan_.stage2(variant, split);
    const fs::path dir = labels_dir(variant, split), classifier = stage_dir("stage1", stage.from);
    const std::string name = "stage2/" + variant + "/" + split;
    const std::string base = stage_command("stage2_pseudolabel", "stage2-" + variant + "-" + split) + option("dataset", dataset_path()) +
                             option("checkpoint", classifier / "classifier.pt") + option("output", dir);
    const auto inputs = [&] {
      return stage2_inputs(stage.values, dataset(), output_digest(read_manifest(classifier / "manifest.h5"), "classifier.pt"));
    };
    const int64_t shards = plan_.pipeline.shards;
    std::vector<std::string> needs = {"stage1/" + stage.from};
    for (int64_t i = 0; i < shards && shards > 1; ++i) {
      Node& shard = add(fmt::format("{}/shard-{}", name, i), "shard", {"stage1/" + stage.from});
      shard.commands.push_back(base + option("shard", fmt::format("{}/{}", i, shards)) + run_options());
      needs.push_back(shard.name);
    }
    Node& node = add(name, "stage2", needs);
    if (shards > 1) node.commands.push_back(program("stage2_pseudolabel") + " merge" + option("output", dir) + run_options());
    else node.commands.push_back(base + run_options());
    decide_by_manifest(node, dir, kStage2Fingerprint, stage.resolved, inputs);
    // Shards are looked at by the program itself: a finished one says so and ends at once.
    for (auto& other : nodes_)
      if (other.name.rfind(name + "/shard-", 0) == 0) other.reason = node.reason;
  }

  void add_stage3(const std::string& variant) {
    const auto stage = plan_.stage3(variant);
    const fs::path dir = stage_dir("stage3", variant), labels = labels_dir(stage.from, plan_.pipeline.train_split);
    std::vector<std::string> needs = {"dataset"};
    std::string command = stage_command("stage3_segment train", "stage3-" + variant) + option("dataset", dataset_path());
    if (!stage.from.empty()) {
      needs.push_back("stage2/" + stage.from + "/" + plan_.pipeline.train_split);
      command += option("labels", labels);
    }
    if (!stage.values.init.empty()) command += option("init", stage.values.init);
    Node& node = add("stage3/" + variant, "stage3", needs);
    node.commands.push_back(command + option("output", dir) + run_options());
    decide_by_manifest(node, dir, kStage3Fingerprint, stage.resolved, [&] {
      return stage3_inputs(stage.values, dataset(), stage.from.empty() ? "" : labels_digest(read_manifest(labels / "manifest.h5")));
    });
    for (const auto& mode : plan_.pipeline.modes) add_predictions(variant, mode);
  }

  void add_predictions(const std::string& variant, const std::string& mode) {
    const auto predict = plan_.predict(variant, mode);
    const fs::path dir = predictions_dir(variant, mode), stage = stage_dir("stage3", variant);
    const std::string split = plan_.pipeline.evaluate_split;
    Node& node = add(fmt::format("predict/{}/{}/{}", variant, split, mode), "predict", {"stage3/" + variant});
    node.commands.push_back(stage_command("stage3_segment predict", "predict-" + variant + "-" + mode) +
                            option("dataset", dataset_path()) + option("checkpoint", stage / "segmenter.pt") +
                            option("output", dir) + run_options());
    decide_by_manifest(node, dir, kPredictFingerprint, predict.resolved, [&] {
      return predict_inputs(predict.values, dataset(), output_digest(read_manifest(stage / "manifest.h5"), "segmenter.pt"));
    });
    const std::string name = node.name;
    add_evaluation(fmt::format("stage3/{}/{}/{}", variant, split, mode), name, dir);
  }

  // --- evaluation and report -------------------------------------------------------------------------------------------
  fs::path metrics_path() const { return request_.run_dir / "metrics.json"; }
  std::string evaluate_command(const std::string& words, const std::string& key) const {
    return program("evaluate") + " " + words + option("dataset", dataset_path()) + option("split", plan_.pipeline.evaluate_split) +
           option("json", metrics_path()) + option("key", key);
  }

  void add_evaluation(const std::string& key, const std::string& need, const fs::path& predictions) {
    evaluated_[key] = {need, predictions};
    Node& node = add("evaluate/" + key, "evaluate", {need});
    node.commands.push_back(evaluate_command("miou", key) + option("predictions", predictions) + run_options());
    record_after(node);
    decide_by_receipt(node);
  }

  void add_agreement(const std::string& variant, const std::string& split) {
    const std::string key = fmt::format("stage2/{}/{}/agreement", variant, split), need = "stage2/" + variant + "/" + split;
    const fs::path dir = labels_dir(variant, split);
    evaluated_[key] = {need, dir};
    Node& node = add("evaluate/" + key, "evaluate", {need});
    node.commands.push_back(evaluate_command("agreement", key) + option("y-crf", dir / "Y_crf") + option("y-ret", dir / "Y_ret") + run_options());
    record_after(node);
    decide_by_receipt(node);
  }

  void add_baseline(const std::string& kind) {
    const std::string key = fmt::format("baseline/{}/{}", plan_.pipeline.evaluate_split, kind);
    evaluated_[key] = {"dataset", {}};
    Node& node = add("evaluate/" + key, "evaluate", {"dataset"});
    node.commands.push_back(evaluate_command("baseline", key) + option("kind", kind) + run_options());
    record_after(node);
    decide_by_receipt(node);
  }

  // Of the predictions' manifest and the split's truth; and the metric must stand in metrics.json.
  std::string evaluate_receipt(const std::string& key) {
    if (evaluated_.empty()) {  // `--record`: the graph was not built
      nodes_.clear();
      build();
    }
    const auto found = evaluated_.find(key);
    if (found == evaluated_.end()) fail_usage("evaluate/{} is no piece of work of this run", key);
    if (metrics_text_.empty() && fs::exists(metrics_path())) metrics_text_ = read_file(metrics_path());
    if (metrics_text_.find("\"" + key) == std::string::npos) return "not in metrics.json";
    Hasher hasher;
    hasher.text(kEvaluateFingerprint).text(key).text(dataset().digest(plan_.pipeline.evaluate_split, true));
    for (fs::path dir = found->second.second; !dir.empty() && dir != request_.run_dir; dir = dir.parent_path())
      if (const auto manifest = try_read_manifest(dir / "manifest.h5")) {
        hasher.text(manifest->digest());
        break;
      }
    return hasher.digest();
  }

  void add_report() {
    std::vector<std::string> needs;
    for (const auto& node : nodes_)
      if (node.group == "evaluate") needs.push_back(node.name);
    Node& node = add("report", "report", needs);
    node.commands.push_back(program("report") + option("run", request_.run_dir) + option("output", request_.run_dir / "report"));
    record_after(node);
    decide_by_receipt(node);
    if (node.reason.empty() && !fs::exists(request_.run_dir / "report" / "index.html")) node.reason = "report/index.html is missing";
  }

  std::string report_receipt() {
    Hasher hasher;
    hasher.text(kReportFingerprint);
    if (fs::exists(metrics_path())) hasher.text(digest_of_file(metrics_path()));
    std::set<fs::path> manifests;
    for (const auto& v : stage1_variants()) manifests.insert(stage_dir("stage1", v));
    for (const auto& v : plan_.pipeline.stage2)
      for (const auto& split : splits_to_label(v)) manifests.insert(labels_dir(v, split));
    for (const auto& v : plan_.pipeline.stage3) {
      manifests.insert(stage_dir("stage3", v));
      for (const auto& mode : plan_.pipeline.modes) manifests.insert(predictions_dir(v, mode));
    }
    for (const auto& dir : manifests)
      if (const auto manifest = try_read_manifest(dir / "manifest.h5")) hasher.text(manifest->digest());
    return hasher.digest();
  }

  GraphRequest request_;
  RunPlan plan_;
  std::optional<Dataset> dataset_;
  std::vector<Node> nodes_;
  std::map<std::string, std::pair<std::string, fs::path>> evaluated_;  // key -> node needed, folder of predictions
  std::string metrics_text_;
};

}  // namespace

std::vector<Node> make_graph(const GraphRequest& request) { return Builder(request).build(); }

std::string receipt_of(const GraphRequest& request, const std::string& node) { return Builder(request).receipt(node); }

void record_receipt(const GraphRequest& request, const std::string& node) {
  Builder builder(request);
  write_file(builder.receipt_path(node), builder.receipt(node) + "\n");
}

void write_configs(const GraphRequest& request) { Builder(request).write_configs(); }

}  // namespace boxseg
