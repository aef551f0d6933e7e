#include "common/pipeline/preset.h"

#include <algorithm>
#include <cctype>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".ini") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path find_ini(const fs::path& folder, const std::string& name, const char* what) {
  const fs::path path = folder / (name + ".ini");
  if (fs::is_regular_file(path)) return path;
  const auto known = names_in(folder);
  const std::string close = nearest(name, known);
  fail_usage("{} '{}' is not known{}; {} has: {}", what, name, close.empty() ? "" : fmt::format(" (did you mean '{}'?)", close),
             folder.string(), join(known, ", "));
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

void PipelineOptions::declare(Options& o) {
  o.add_choice("dataset", &dataset, {"synthetic", "voc"}, "kind of the dataset");
  o.add("splits", &splits, "NAME=LIST of the dataset");
  o.add("masks", &masks, "folder of ground-truth masks");
  o.add("stage1", &stage1, "variants of stage 1 to run");
  o.add("stage2", &stage2, "variants of stage 2 to run");
  o.add("stage3", &stage3, "variants of stage 3 to run");
  o.add("train-split", &train_split, "split that both networks learn from");
  o.add("label-splits", &label_splits, "splits that stage 2 labels");
  o.add("evaluate-split", &evaluate_split, "split with ground truth that everything is measured on");
  o.add("modes", &modes, "of predictions: plain, crf, tta, tta_crf");
  o.add("baselines", &baselines, "filled_boxes, filled_boxes_crf, grabcut");
  o.add("init", &init, "initial weights of the backbones");
  o.add("shards", &shards, "parts of stage 2 that may run on different nodes");
}

VariantName parse_variant(const std::string& name) {
  VariantName parsed{name, 0};
  if (const size_t at = name.find('@'); at != std::string::npos) {
    parsed.base = name.substr(0, at);
    parsed.seed_offset = parse_integer(name.substr(at + 1), fmt::format("seed of variant '{}'", name));
  }
  const auto is_plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; };
  if (parsed.base.empty() || !std::all_of(parsed.base.begin(), parsed.base.end(), is_plain))
    fail_usage("variant '{}': names hold letters, digits, '_', '-' and '.', and end in @SEED if at all", name);
  return parsed;
}

RunPlan::RunPlan(const RunRequest& request) : request_(request) {
  std::string name = request.preset;
  while (!name.empty()) {
    const fs::path path = find_ini(request.presets, name, "preset");
    if (std::find(preset_chain_.begin(), preset_chain_.end(), path) != preset_chain_.end())
      fail_usage("{}: 'from' leads back to itself", path.string());
    preset_chain_.insert(preset_chain_.begin(), path);
    const Ini ini = read_ini_file(path);
    name.clear();
    if (const auto top = ini.find(""); top != ini.end())
      if (const auto from = top->second.find("from"); from != top->second.end()) name = from->second;
  }
  Options options({"plan", "", "", "pipeline", ""});
  pipeline.declare(options);
  apply(options, "");
  for (const auto& path : preset_chain_) {
    Ini ini = read_ini_file(path);
    for (const auto& [key, value] : ini["dataset"]) dataset[key] = value;
  }
  for (const auto& text : request.overrides)
    if (const size_t equals = text.find('='); text.rfind("dataset.", 0) == 0 && equals != std::string::npos)
      dataset[text.substr(8, equals - 8)] = text.substr(equals + 1);
  dataset.emplace("seed", std::to_string(request.seed));
}

// Defaults <- presets, base first <- the variant <- overrides of the command line <- the seed.
void RunPlan::apply(Options& options, const std::string& variant) const {
  for (const auto& path : preset_chain_) options.read_ini(path);
  int64_t seed_offset = 0;
  if (!variant.empty()) {
    const VariantName name = parse_variant(variant);
    seed_offset = name.seed_offset;
    const fs::path path = find_ini(request_.variants, name.base, "variant");
    options.read_ini(path);
  }
  for (const auto& text : request_.overrides) {
    const size_t dot = text.find('.'), equals = text.find('=');
    if (dot == std::string::npos || equals == std::string::npos || dot > equals)
      fail_usage("--set {}: expected SECTION.OPTION=VALUE such as stage2.threshold=0.9", text);
    const std::string section = text.substr(0, dot);
    if (std::find(kSections.begin(), kSections.end(), section) == kSections.end())
      fail_usage("--set {}: '{}' is not one of {}", text, section, join(kSections, ", "));
    if (section != options.info().section) continue;
    std::string key = text.substr(dot + 1, equals - dot - 1);
    std::replace(key.begin(), key.end(), '_', '-');
    options.set(key, text.substr(equals + 1), "--set");
  }
  options.set("seed", std::to_string(request_.seed + seed_offset + (options.is_default("seed") ? 0 : options.seed)), "the run");
}

std::string RunPlan::upstream(const std::string& variant, const std::string& section) const {
  const VariantName name = parse_variant(variant);
  const Ini ini = read_ini_file(find_ini(request_.variants, name.base, "variant"));
  std::string from = "bap";
  if (const auto found = ini.find(section); found != ini.end())
    if (const auto entry = found->second.find("from"); entry != found->second.end()) from = entry->second;
  const bool carries_seed = name.seed_offset != 0 && from.find('@') == std::string::npos;
  return carries_seed ? fmt::format("{}@{}", from, name.seed_offset) : from;
}

RunPlan::Stage1 RunPlan::stage1(const std::string& variant) const {
  Stage1 stage;
  Options options(stage1_info());
  stage.values.declare(options);
  apply(options, variant);
  options.set("split", pipeline.train_split, "the run");
  stage.resolved = options.resolved();
  stage.values.init = pipeline.init;
  return stage;
}

RunPlan::Stage2 RunPlan::stage2(const std::string& variant, const std::string& split) const {
  Stage2 stage;
  Options options(stage2_info());
  stage.values.declare(options);
  apply(options, variant);
  options.set("split", split, "the run");
  stage.resolved = options.resolved();
  stage.from = upstream(variant, "stage2");
  return stage;
}

RunPlan::Stage3 RunPlan::stage3(const std::string& variant) const {
  Stage3 stage;
  Options options(stage3_train_info());
  stage.values.declare(options);
  apply(options, variant);
  options.set("split", pipeline.train_split, "the run");
  stage.resolved = options.resolved();
  stage.values.init = pipeline.init;
  if (stage.values.loss != "true_masks") stage.from = upstream(variant, "stage3");
  return stage;
}

RunPlan::Predict RunPlan::predict(const std::string& variant, const std::string& mode) const {
  static const std::vector<std::string> kModes = {"plain", "crf", "tta", "tta_crf"};
  if (std::find(kModes.begin(), kModes.end(), mode) == kModes.end())
    fail_usage("[pipeline] modes: '{}' is not one of {}", mode, join(kModes, ", "));
  Predict predict;
  Options options(stage3_predict_info());
  predict.values.declare(options);
  apply(options, variant);
  options.set("split", pipeline.evaluate_split, "the run");
  options.set("tta", mode.rfind("tta", 0) == 0 ? "true" : "false", "mode " + mode);
  options.set("crf", mode.size() >= 3 && mode.substr(mode.size() - 3) == "crf" ? "true" : "false", "mode " + mode);
  predict.resolved = options.resolved();
  return predict;
}

std::vector<std::string> RunPlan::stage1_variants() const {
  std::vector<std::string> variants = pipeline.stage1;
  for (const auto& v : stage2_variants()) add_once(variants, stage2(v, pipeline.train_split).from);
  return variants;
}

std::vector<std::string> RunPlan::stage2_variants() const {
  std::vector<std::string> variants = pipeline.stage2;
  for (const auto& v : pipeline.stage3)
    if (const auto stage = stage3(v); !stage.from.empty()) add_once(variants, stage.from);
  return variants;
}

std::vector<std::string> RunPlan::splits_to_label(const std::string& variant) const {
  const auto& p = pipeline;
  std::vector<std::string> splits;
  if (std::find(p.stage2.begin(), p.stage2.end(), variant) != p.stage2.end())
    for (const auto& split : p.label_splits)
      if (split != p.train_split || split == p.evaluate_split || p.stage3.empty()) splits.push_back(split);
  if (std::any_of(p.stage3.begin(), p.stage3.end(), [&](const auto& v) { return stage3(v).from == variant; }))
    add_once(splits, p.train_split);
  return splits;
}

}  // namespace boxseg
