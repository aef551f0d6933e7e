#include "eval/report/run_folder.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/pipeline/plan/run_layout.h"
#include "common/pipeline/stage/stage_options.h"
#include "eval/miou/evaluation.h"
#include "eval/report/loose_results.h"

namespace boxseg {
namespace {

// Returns the folder's entries, sorted.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code absent;
  for (fs::directory_iterator it(folder, absent), end; !absent && it != end; it.increment(absent))
    found.push_back(it->path());
  std::sort(found.begin(), found.end());
  return found;
}

std::string text_of_kind(const std::string& kind) {
  static const std::map<std::string, std::string> kTexts = {{"y_crf", "Y_crf"},
                                                            {"y_ret", "Y_ret"},
                                                            {"agreement_ignored", "agreement, the rest ignored"},
                                                            {"agreement_background", "agreement, the rest background"},
                                                            {"agreement_wrong", "agreement, the rest wrong"},
                                                            {"plain", "plain"},
                                                            {"crf", "CRF"},
                                                            {"tta", "TTA"},
                                                            {"tta_crf", "TTA + CRF"},
                                                            {"filled_boxes", "filled boxes"},
                                                            {"filled_boxes_crf", "filled boxes + CRF"},
                                                            {"grabcut", "GrabCut"}};
  const auto found = kTexts.find(kind);
  return found == kTexts.end() ? kind : found->second;
}

// Splits a key: stage2/VARIANT/SPLIT/KIND, stage3/VARIANT/SPLIT/KIND, baseline/SPLIT/KIND; anything else has no stage.
void take_apart(ScoreRow& row) {
  const std::vector<std::string> words = split(row.key, '/');
  if (words.size() == 4 && (words[0] == "stage2" || words[0] == "stage3"))
    std::tie(row.stage, row.variant, row.split, row.kind) = std::tie(words[0], words[1], words[2], words[3]);
  else if (words.size() == 3 && words[0] == "baseline")
    std::tie(row.stage, row.split, row.kind) = std::tie(words[0], words[1], words[2]);
}

std::tuple<std::string, int, std::string, int, std::string> place(const ScoreRow& row) {
  static const std::vector<std::string> stages = {"baseline", "stage2", "stage3", ""};
  static const std::vector<std::string> kinds = {
      "filled_boxes",         "filled_boxes_crf",  "grabcut", "y_ret", "y_crf", "agreement_wrong",
      "agreement_background", "agreement_ignored", "plain",   "crf",   "tta",   "tta_crf"};
  const auto rank = [](const auto& list, const std::string& word) {
    return static_cast<int>(std::find(list.begin(), list.end(), word) - list.begin());
  };
  return {row.split, rank(stages, row.stage), row.variant, rank(kinds, row.kind), row.key};
}

void find_labels_of(RunFolder& run) {
  const auto add = [&](const fs::path& folder, const std::string& variant, const std::string& split,
                       const std::string& kind) {
    const std::string key = key_of_folder(folder);
    if (!key.empty()) run.labels.push_back({key, key.substr(0, 6), variant, split, kind, folder});
  };
  for (const auto& variant : subfolders(run.path / "stage2"))
    for (const auto& split : subfolders(variant))
      for (const char* kind : {"Y_crf", "Y_ret"})
        if (fs::is_directory(split / kind))
          add(split / kind, variant.filename(), split.filename(), kind == std::string("Y_crf") ? "y_crf" : "y_ret");
  for (const auto& variant : subfolders(run.path / "stage3"))
    for (const auto& split : subfolders(variant / "predictions"))
      for (const auto& mode : subfolders(split)) add(mode, variant.filename(), split.filename(), mode.filename());
}

// Returns the folders whose manifests tell how a number was made; those of all classifiers belong to it, too.
std::set<fs::path> folders_of(const TableKey& key, const RunLayout& layout) {
  if (key.is_time()) return {layout.run / key.key};
  const fs::path measured = layout.measured(key.key);
  if (measured.empty()) return {};
  if (key.key.starts_with("stage3/")) return {measured, layout.stage3(split(key.key, '/')[1])};
  return {measured};
}

// Numbers of label maps that were measured before these became the true masks.
void forget_kept_masks(RunFolder& run) {
  std::erase_if(run.scores, [&](const ScoreRow& row) {
    const auto made = run.manifests.find(fmt::format("stage2/{}/{}", row.variant, row.split));
    return row.stage == "stage2" && made != run.manifests.end() && keeps_true_masks(made->second);
  });
}

RunFolder named_run(const fs::path& path) {
  RunFolder run;
  if (!fs::is_directory(path))
    fail_input("{}: no such folder; expected one that a run made, such as runs/demo", path.string());
  run.path = fs::canonical(path);
  run.name = run.path.filename();
  return run;
}

}  // namespace

std::string ScoreRow::title() const {
  if (stage.empty()) return key;
  return variant.empty() ? text_of_kind(kind) : variant + ": " + text_of_kind(kind);
}

TrainingCurves read_training_curves(const fs::path& path) {
  TrainingCurves log;
  std::map<std::string, std::map<double, double>> values;
  for (const std::string& line : read_lines(read_file(path))) {
    const nlohmann::json step = nlohmann::json::parse(line, nullptr, false);
    if (!step.is_object() || !step.contains("step") || !step["step"].is_number()) continue;
    for (const auto& [name, value] : step.items())
      if (name != "step" && value.is_number()) values[name][step["step"].get<double>()] = value.get<double>();
  }
  for (const auto& [name, points] : values) log.values[name].assign(points.begin(), points.end());
  return log;
}

std::vector<ScoreRow> score_rows(const Metrics& metrics) {
  std::vector<ScoreRow> rows;
  const std::string ending = "/miou";
  for (const auto& [name, value] : metrics) {
    if (!name.ends_with(ending)) continue;
    ScoreRow row;
    row.key = name.substr(0, name.size() - ending.size());
    take_apart(row);
    const auto number = [&](const std::string& what) -> std::optional<double> {
      const auto found = metrics.find(row.key + "/" + what);
      return found != metrics.end() && found->second.is_number() ? std::optional(found->second.get<double>())
                                                                 : std::nullopt;
    };
    row.miou = number("miou");
    row.pacc = number("pacc");
    row.box_iou = number("box_iou");
    row.box_iou_over_80 = number("box_iou_over_80");
    row.boundary_f = number("boundary_f");
    const std::string prefix = row.key + "/per_class/";
    for (auto it = metrics.lower_bound(prefix); it != metrics.end() && it->first.starts_with(prefix); ++it)
      if (it->second.is_number()) row.per_class[it->first.substr(prefix.size())] = it->second.get<double>();
    rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ScoreRow& a, const ScoreRow& b) { return place(a) < place(b); });
  return rows;
}

const ScoreRow* RunFolder::find(const std::string& key) const {
  for (const auto& row : scores)
    if (row.key == key) return &row;
  return nullptr;
}

const LabelSet* RunFolder::find_labels(const std::string& key) const {
  for (const auto& set : labels)
    if (set.key == key) return &set;
  return nullptr;
}

const Manifest* RunFolder::add_manifest(const fs::path& folder) {
  const std::string relative = folder.lexically_relative(path).string();
  auto manifest = try_read_manifest(folder / "manifest.h5");
  if (!manifest) {
    notes.push_back(fmt::format("{}/manifest.h5 cannot be read", relative));
    return nullptr;
  }
  return &manifests.emplace(relative, std::move(*manifest)).first->second;
}

RunFolder open_run_of(const Table& table, const fs::path& path) {
  RunFolder run = named_run(path);
  const RunLayout layout{run.path};
  run.metrics = read_metrics(layout.metrics());
  run.scores = score_rows(run.metrics);
  std::set<fs::path> folders;
  for (const auto& key : table.keys()) folders.merge(folders_of(key, layout));
  for (const auto& variant : subfolders(run.path / "stage1")) folders.insert(variant);
  for (const auto& folder : folders)
    if (fs::exists(folder / "manifest.h5")) run.add_manifest(folder);
  return run;
}

RunFolder open_run(const fs::path& path, const fs::path& data_root, const fs::path& dataset) {
  RunFolder run = named_run(path);
  const bool has_dataset = fs::exists(run.path / "dataset.h5");
  if (has_dataset || !dataset.empty())
    run.dataset = read_dataset(dataset.empty() ? run.path / "dataset.h5" : dataset, data_root, !data_root.empty());
  else
    run.notes.push_back("There is no dataset.h5, so no pictures can be shown; --dataset names one that is elsewhere.");
  run.metrics = read_metrics(run.path / "metrics.json");
  run.scores = score_rows(run.metrics);
  if (run.scores.empty()) run.notes.push_back("metrics.json holds no mIoU yet; `evaluate` writes it.");
  for (const char* stage : {"stage1", "stage3"})
    for (const auto& variant : subfolders(run.path / stage)) {
      if (!fs::exists(variant / "log.jsonl")) continue;
      TrainingCurves log = read_training_curves(variant / "log.jsonl");
      log.stage = stage;
      log.variant = variant.filename();
      if (!log.values.empty()) run.logs.push_back(std::move(log));
    }
  add_loose_results(run);
  if (run.logs.empty()) run.notes.push_back("There is no training log yet.");
  find_labels_of(run);
  for (const auto& folder : RunLayout{run.path}.manifest_folders()) run.add_manifest(folder);
  forget_kept_masks(run);
  for (const auto& file : entries(run.path / "tables"))
    if (file.extension() == ".txt") run.tables.push_back(read_table(file, {}));
  if (!has_dataset && run.scores.empty() && run.logs.empty() && run.labels.empty() && run.manifests.empty())
    fail_input(
        "{}: nothing of a run is in this folder: no dataset.h5, metrics.json, stage1, stage2 or stage3, nor a folder "
        "in which a stage left its manifest.h5",
        path.string());
  return run;
}

}  // namespace boxseg
