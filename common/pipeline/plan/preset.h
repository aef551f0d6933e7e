// Presets and variants, resolved to the options of every piece of work of a run.
//
// A preset (data/presets/NAME.ini) names the dataset and the variants to run ([pipeline]) and sets defaults per stage
// ([dataset], [stage1], [stage2], [stage3], [predict]); `from = OTHER` without a section inherits;
// PRESET+OTHER puts OTHER on top (one with `on-top-of` goes nowhere else). A variant
// (data/variants/NAME.ini) says what differs, per stage, and `from` the variant upstream; names may add settings and a
// seed (variant_name.h). A table (data/tables/NAME.txt) adds the variants that its cells need.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/base/options.h"
#include "common/pipeline/plan/table_file.h"
#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

// [pipeline] of a preset.
struct PipelineOptions {
  std::string dataset = "synthetic";       // synthetic, voc, boxes, coco
  std::vector<std::string> splits;         // NAME=LIST, LIST relative to the dataset's root
  std::string masks;                       // folder of masks of a VOC dataset, "" for the usual ones
  std::vector<std::string> without_boxes;  // splits of a VOC dataset whose images need no annotation
  std::vector<std::string> stage1 = {"bap"}, stage2 = {"bap"}, stage3 = {"nal"};
  std::string train_split = "train";
  std::vector<std::string> label_splits = {"train", "val"};  // of stage 2
  std::string evaluate_split = "val";
  // Kept for the end. With boxes, so labelled: measured for the cells of tables that ask for it. Named in
  // without_boxes, as VOC's own: predicted, and archived for VOC's server.
  std::string test_split;
  std::vector<std::string> modes = {"plain"};  // of predictions: plain, crf, tta, tta_crf
  std::vector<std::string> baselines = {"filled_boxes"};
  std::string init;    // initial weights of the backbones, "" for none; `init` of [stage1] or [stage3] goes before
  int64_t shards = 1;  // of stage 2
  std::vector<std::string> second_network;  // OPTION=VALUE of stage 3 for variants NAME+v2
  std::string second_init;                  // initial weights of their backbone, over those of second_network
  void declare(Options& options);
};

// What the command line of `plan` adds to the preset.
struct RunRequest {
  fs::path presets, variants;  // folders
  std::string preset;
  std::vector<std::string> overrides;  // "stage2.threshold=0.9"
  int64_t seed = 0;
  fs::path tables_folder = {};           // data/tables
  std::vector<std::string> tables = {};  // names of tables to make
  std::vector<int64_t> seeds = {};       // each cell of a table is the mean over these (added to `seed`); none: {0}
  fs::path project = {};                 // what presets name lies here: initial weights; "": the working folder
};

class RunPlan {
 public:
  explicit RunPlan(const RunRequest& request);  // throws usage: unknown preset (lists them), unknown keys, ...

  PipelineOptions pipeline;
  std::map<std::string, std::string> dataset;  // [dataset] as it stands, for `prepare`
  std::vector<Table> tables;                   // those asked for, in terms of this run

  // A program's options for one variant (paths unset), and their canonical form for an INI file.
  template <class Values>
  struct Resolved {
    Values values;
    ResolvedOptions resolved;
    std::string from;  // the variant upstream; "" where there is none: of stage 1, of predictions, and for true_masks
  };
  Resolved<Stage1Options> stage1(const std::string& variant) const;
  Resolved<Stage2Options> stage2(const std::string& variant, const std::string& split) const;
  Resolved<Stage3Options> stage3(const std::string& variant) const;
  Resolved<PredictOptions> predict(const std::string& variant, const std::string& split, const std::string& mode) const;

  // Those that the preset lists, then those that the next stage builds on.
  std::vector<std::string> stage1_variants() const;
  std::vector<std::string> stage2_variants() const;
  // Labels of the training split are made for the variants that stage 3 learns from (for all, without stage 3), those
  // of the other splits for the variants that the preset lists.
  std::vector<std::string> splits_to_label(const std::string& variant) const;
  bool is_unlabelled_test(const std::string& split) const;
  // What is predicted with a variant of stage 3: all modes on the split that is measured; on the test split all if it
  // has no labels, else what tables want of it.
  struct Prediction {
    std::string split, mode;
  };
  std::vector<Prediction> predictions(const std::string& variant) const;

 private:
  const Ini& ini(const fs::path& path) const;  // each file is read and parsed once
  std::vector<fs::path> chain_of(std::string preset) const;
  template <class Values, class Set>
  Resolved<Values> resolve(const ProgramInfo& info, const std::string& variant, const Set& set) const;
  void apply(Options& options, const std::string& variant) const;
  void add_table(const std::string& name);
  std::string place_of_init(const std::string& init, const Options& options) const;
  std::string upstream(const std::string& variant, const std::string& section) const;
  RunRequest request_;
  std::vector<fs::path> preset_chain_;  // base first
  mutable std::map<fs::path, Ini> inis_;
};

}  // namespace boxseg
