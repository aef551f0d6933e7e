// Reads what a run's folder holds, for the report. Everything may be missing: a run in progress has a report, too.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/data/dataset.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/metrics_file.h"
#include "common/pipeline/plan/table_file.h"

namespace boxseg {

// Holds log.jsonl of a training stage. A step that stands twice counts as the later line says; a cut last line is
// dropped.
struct TrainingCurves {
  std::string stage, variant;                                            // "stage1", "bap"
  std::map<std::string, std::vector<std::pair<double, double>>> values;  // name -> (step, value), steps ascending
};
TrainingCurves read_training_curves(const std::filesystem::path& path);

// Names the label maps of one split: key "stage2/bap/val/y_crf" or "stage3/nal/val/tta".
struct LabelSet {
  std::string key, stage, variant, split, kind;
  std::filesystem::path folder;
};

// Holds one evaluation of metrics.json, which stands there under KEY/miou and so on.
struct ScoreRow {
  std::string key, stage, variant, split, kind;  // stage: baseline, stage2, stage3, or "" for other keys
  std::optional<double> miou, pacc, box_iou, box_iou_over_80, boundary_f;
  std::map<std::string, double> per_class;
  std::string title() const;  // "bap: Y_crf"
};

struct RunFolder {
  std::filesystem::path path;
  std::string name;
  std::optional<Dataset> dataset;
  Metrics metrics;               // all of metrics.json
  std::vector<ScoreRow> scores;  // of it: baselines, pseudo labels, predictions, others
  std::vector<TrainingCurves> logs;
  std::vector<LabelSet> labels;
  std::vector<Table> tables;                  // RUN/tables/*.txt
  std::map<std::string, Manifest> manifests;  // by folder relative to the run
  std::vector<std::string> notes;             // what could not be shown, and why

  const ScoreRow* find(const std::string& key) const;
  const LabelSet* find_labels(const std::string& key) const;
  // Reads the manifest of a folder in the run, or leaves a note where it cannot be read and returns nullptr.
  const Manifest* add_manifest(const std::filesystem::path& folder);
};

// Reads all of a run's folder, and results of stages that lie loose in it (loose_results.h). `dataset` names the index
// where it is not the run's dataset.h5. Throws bad_input when there is no such folder, or nothing of a run in it.
RunFolder open_run(const std::filesystem::path& path, const std::filesystem::path& data_root,
                   const std::filesystem::path& dataset = {});

// Reads only what a table without pictures needs: its numbers, and the manifests of what made them.
RunFolder open_run_of(const Table& table, const std::filesystem::path& path);

std::vector<ScoreRow> score_rows(const Metrics& metrics);

}  // namespace boxseg
