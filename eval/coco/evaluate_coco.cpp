#include "eval/coco/evaluate_coco.h"

#include <algorithm>
#include <cstdio>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/outputs.h"
#include "common/base/visible_text.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/metrics_file.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/sections.h"
#include "common/runtime/parallel.h"
#include "eval/coco/coco_evaluation.h"

namespace boxseg {
namespace {

// The number is raised when the numbers change for equal files.
constexpr const char* kCocoFingerprint = "3";

CocoType type_of(const std::string& name) { return name == "bbox" ? CocoType::bbox : CocoType::segm; }

// Returns what the categories are called: their ids where they have no name, and both where two have the same.
std::vector<std::string> names_of(const CocoTruth& truth) {
  std::vector<std::string> names;
  for (const auto& category : truth.categories)
    names.push_back(category.name.empty() ? shown(category.id) : category.name);
  std::vector<std::string> told = names;
  for (size_t k = 0; k < names.size(); ++k)
    if (std::count(names.begin(), names.end(), names[k]) > 1)
      told[k] += fmt::format(" (id {})", shown(truth.categories[k].id));
  // A category may itself be called "cat (id 2)", hence the loop. Ids differ, so that it ends.
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    for (size_t k = 0; k < told.size(); ++k) {
      const auto last = std::find(told.rbegin(), told.rend(), told[k]).base() - 1 - told.begin();
      if (static_cast<size_t>(last) == k) continue;
      told[static_cast<size_t>(last)] += fmt::format(" (id {})", shown(truth.categories[static_cast<size_t>(last)].id));
      is_changed = true;
    }
  }
  return told;
}

// Lists the AP of each category; "-" stands where the truth has no object of it.
std::string per_class_table(const std::vector<std::string>& names, const CocoResult& result) {
  std::string text;
  for (size_t k = 0; k < names.size(); ++k) {
    const double ap = result.ap_of_category(static_cast<int64_t>(k));
    text += fmt::format("{:<24}{:>6}\n", printable(names[k]), ap < 0 ? "-" : fmt::format("{:.3f}", ap));
  }
  return text;
}

// Stage 2 notes in the manifest beside its results what its classifier had learnt.
ClassKinds kinds_of(const fs::path& detections, const std::vector<std::string>& names) {
  return class_kinds(try_read_manifest(fs::absolute(detections).parent_path() / "manifest.h5"), names);
}

std::string text_of(const ClassKinds& kinds, const CocoResult& result) {
  std::string text;
  for (const auto& [categories, what] : {std::pair{&kinds.known, "learnt"}, {&kinds.unknown, "did not learn"}}) {
    if (categories->empty()) continue;
    const auto stats = result.stats_of(*categories);
    text += fmt::format("{} categories that the classifier {}: AP {:.3f}  AP50 {:.3f}  AP75 {:.3f}\n",
                        categories->size(), what, stats[0], stats[1], stats[2]);
  }
  return text;
}

// Returns the numbers in percent, as all of metrics.json; null where there is nothing to average.
Metrics metrics_of(const std::vector<std::string>& names, const CocoResult& result, const ClassKinds& kinds) {
  Metrics metrics;
  const auto put = [&](const std::string& name, double share) {
    metrics[name] = share < 0 ? nlohmann::json() : nlohmann::json(100 * share);
  };
  const auto stats = result.stats();
  for (size_t i = 0; i < stats.size(); ++i) put(kCocoStatNames[i], stats[i]);
  for (const auto& [categories, suffix] : {std::pair{&kinds.known, "_known"}, {&kinds.unknown, "_unknown"}}) {
    if (categories->empty()) continue;
    const auto of_kind = result.stats_of(*categories);
    for (size_t i = 0; i < of_kind.size(); ++i) put(std::string(kCocoStatNames[i]) + suffix, of_kind[i]);
  }
  for (size_t k = 0; k < names.size(); ++k) put("AP_of/" + names[k], result.ap_of_category(static_cast<int64_t>(k)));
  return metrics;
}

}  // namespace

int evaluate_coco_command(int argc, char** argv) {
  Options options(
      reads_presets({"evaluate coco", "Average precision and recall of detections, equal to pycocotools bit for bit.",
                     "evaluate coco --ground-truth instances_val2017.json --detections detections.json --type segm",
                     "evaluate", kEvaluateFingerprint}));
  std::string ground_truth, detections_file, type_name = "segm", json, key;
  bool per_class = false;
  options.add("ground-truth", &ground_truth, "COCO annotation file", Role::input);
  options.add("detections", &detections_file,
              "COCO results: a JSON list with image_id, category_id, score, and bbox or segmentation", Role::input);
  options.add_choice("type", &type_name, {"segm", "bbox"}, "what is compared: masks or boxes");
  options.add("per-class", &per_class, "also print the AP of each category", Role::run);
  options.add("json", &json, "merge the numbers into this file", Role::output);
  options.add("key", &key, "path of the numbers in the JSON file", Role::run);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    const CocoTruth truth = read_coco_truth(options.check_file, type_of(type_name), resolve_threads(options.threads));
    std::printf("%s: %zu images, %zu categories, %zu objects to measure by\n", options.check_file.c_str(),
                truth.images.size(), truth.categories.size(), truth.objects.size());
    return 0;
  }
  require_given(ground_truth, "ground-truth");
  require_given(detections_file, "detections");
  if (!json.empty() && key.empty()) fail_usage("--json {}: --key is missing; try --key coco/{}", json, type_name);
  if (!key.empty()) check_metrics_key(key);
  if (!json.empty()) require_writable_file(json, "--json");
  const CocoType type = type_of(type_name);
  const int threads = resolve_threads(options.threads);
  const auto [truth, detections] = read_coco_files(ground_truth, detections_file, type, threads);
  const CocoResult result = evaluate_coco(truth, detections, type, threads);
  std::fputs(coco_summary(result).c_str(), stdout);
  const std::vector<std::string> names = names_of(truth);
  const ClassKinds kinds = kinds_of(detections_file, names);
  std::fputs(text_of(kinds, result).c_str(), stdout);
  if (per_class) std::fputs(per_class_table(names, result).c_str(), stdout);
  log_info("{} images, {} categories, {} true objects, {} detections", truth.images.size(), truth.categories.size(),
           truth.objects.size(), detections.size());
  if (json.empty()) return 0;
  Metrics metrics = metrics_of(names, result, kinds);
  metrics["images"] = truth.images.size();
  metrics["inputs"] = Hasher()
                          .text(kEvaluateFingerprint)
                          .text(kCocoFingerprint)
                          .text(type_name)
                          .text(digest_of_file(ground_truth))
                          .text(digest_of_file(detections_file))
                          .digest();
  merge_metrics(json, key, metrics);
  log_info("{}: {} written", json, key);
  return 0;
}

}  // namespace boxseg
