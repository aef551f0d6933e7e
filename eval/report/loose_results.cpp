#include "eval/report/loose_results.h"

#include <fmt/format.h>

#include "common/base/files.h"
#include "common/pipeline/plan/run_layout.h"

namespace boxseg {
namespace {

std::string option_of(const Manifest& manifest, const std::string& name) {
  const auto found = manifest.options.find(name);
  return found == manifest.options.end() ? "" : found->second;
}

void add_log(RunFolder& run, const fs::path& folder, const std::string& stage, const std::string& variant) {
  if (!fs::exists(folder / "log.jsonl")) return;
  TrainingCurves log = read_training_curves(folder / "log.jsonl");
  log.stage = stage;
  log.variant = variant;
  if (!log.values.empty()) run.logs.push_back(std::move(log));
}

void add_labels(RunFolder& run, const fs::path& folder, const std::string& variant, const std::string& split) {
  for (const auto& [kind, name] : {std::pair{"y_crf", "Y_crf"}, {"y_ret", "Y_ret"}})
    if (fs::is_directory(folder / name))
      run.labels.push_back(
          {fmt::format("stage2/{}/{}/{}", variant, split, kind), "stage2", variant, split, kind, folder / name});
}

void add_predictions(RunFolder& run, const fs::path& folder, const std::string& variant, const Manifest& manifest) {
  if (!manifest.inputs.contains("dataset")) {
    run.notes.push_back(fmt::format("{} holds predictions of photographs that are in no dataset.", variant));
    return;
  }
  const std::string split = option_of(manifest, "split");
  const bool has_tta = option_of(manifest, "tta") == "true", has_crf = option_of(manifest, "crf") == "true";
  const std::string mode = has_tta ? (has_crf ? "tta_crf" : "tta") : has_crf ? "crf" : "plain";
  run.labels.push_back({fmt::format("stage3/{}/{}/{}", variant, split, mode), "stage3", variant, split, mode, folder});
}

void add_folder(RunFolder& run, const fs::path& folder) {
  if (!fs::exists(folder / "manifest.h5")) return;
  const std::string variant = folder.filename();
  const Manifest* manifest = run.add_manifest(folder);
  if (manifest == nullptr) return;
  if (manifest->program == "stage1_classify") add_log(run, folder, "stage1", variant);
  if (manifest->program == "stage3_segment train") add_log(run, folder, "stage3", variant);
  if (manifest->program.starts_with("stage2_pseudolabel") || manifest->program == "prepare labels")
    add_labels(run, folder, variant, option_of(*manifest, "split"));
  if (manifest->program == "stage3_segment predict") add_predictions(run, folder, variant, *manifest);
}

}  // namespace

void add_loose_results(RunFolder& run) {
  add_folder(run, run.path);
  for (const auto& folder : subfolders(run.path)) add_folder(run, folder);
}

}  // namespace boxseg
