#include "common/pipeline/plan/preset.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/plan/variant_name.h"
#include "common/pipeline/stage/sections.h"

namespace boxseg {
namespace {

constexpr const char* kFromCommandLine = "--set";  // origin of options

std::vector<std::string> names_in(const fs::path& folder, const char* extension) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == extension) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path find_ini(const fs::path& folder, const std::string& name, const char* what) {
  fs::path path = folder / (name + ".ini");
  if (fs::is_regular_file(path)) return path;
  const auto known = names_in(folder, ".ini");
  const std::string close = nearest(name, known);
  fail_usage("{} '{}' is not known{}; {} has: {}", what, name,
             close.empty() ? "" : fmt::format(" (did you mean '{}'?)", close), folder.string(), join(known, ", "));
}

// A key without a section, "" when it is not there.
std::string top_level(const Ini& ini, const std::string& key) {
  const auto top = ini.find("");
  if (top == ini.end()) return "";
  const auto found = top->second.find(key);
  return found == top->second.end() ? "" : found->second;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

void apply_second_network(Options& options, const PipelineOptions& pipeline, const std::string& preset) {
  const std::vector<std::string>& settings = pipeline.second_network;
  if (settings.empty()) fail_usage("the preset {} has no second-network, which variants NAME+v2 take", preset);
  for (const auto& text : settings) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos)
      fail_usage("[pipeline] second-network: '{}' is not of the form OPTION=VALUE", text);
    options.set(text.substr(0, equals), text.substr(equals + 1), "second-network");
  }
  if (!pipeline.second_init.empty()) options.set("init", pipeline.second_init, "second-network");
}

}  // namespace

void PipelineOptions::declare(Options& o) {
  o.add_choice("dataset", &dataset, {"synthetic", "voc", "boxes", "coco"}, "kind of the dataset");
  o.add("splits", &splits, "NAME=LIST of the dataset");
  o.add("masks", &masks, "folder of ground-truth masks");
  o.add("without-boxes", &without_boxes, "splits whose images need no annotation");
  o.add("stage1", &stage1, "variants of stage 1 to run");
  o.add("stage2", &stage2, "variants of stage 2 to run");
  o.add("stage3", &stage3, "variants of stage 3 to run");
  o.add("train-split", &train_split, "split that both networks learn from");
  o.add("label-splits", &label_splits, "splits that stage 2 labels");
  o.add("evaluate-split", &evaluate_split, "split with ground truth that everything is measured on");
  o.add("test-split", &test_split,
        "split kept for the end: measured where tables ask for it, or predicted for a server");
  o.add("modes", &modes, "of predictions: plain, crf, tta, tta_crf");
  o.add("baselines", &baselines, "filled_boxes, filled_boxes_crf, grabcut");
  o.add("init", &init, "initial weights of the backbones");
  o.add("second-network", &second_network, "OPTION=VALUE of stage 3 for variants NAME+v2");
  o.add("second-init", &second_init, "initial weights of their backbone, in place of second-network's init");
  o.add("shards", &shards, "parts of stage 2 that may run on different nodes");
}

const Ini& RunPlan::ini(const fs::path& path) const {
  const auto found = inis_.find(path);
  return found != inis_.end() ? found->second : inis_.emplace(path, read_ini_file(path)).first->second;
}

// The preset's file after those that it is `from`, base first.
std::vector<fs::path> RunPlan::chain_of(std::string preset) const {
  std::vector<fs::path> chain;
  while (!preset.empty()) {
    const fs::path path = find_ini(request_.presets, preset, "preset");
    if (std::find(chain.begin(), chain.end(), path) != chain.end())
      fail_usage("{}: 'from' leads back to itself", path.string());
    chain.insert(chain.begin(), path);
    preset = top_level(ini(path), "from");
  }
  return chain;
}

RunPlan::RunPlan(const RunRequest& request) : request_(request) {
  for (const auto& name : split(request.preset, '+'))
    for (const auto& path : chain_of(name)) {
      if (preset_chain_.empty() && !top_level(ini(path), "on-top-of").empty())
        fail_usage("the preset {} goes on top of another: PRESET=voc2012_vgg16+{}", name, name);
      preset_chain_.push_back(path);
    }
  if (preset_chain_.empty())
    fail_usage("a preset is missing; {} has: {}", request.presets.string(),
               join(names_in(request.presets, ".ini"), ", "));
  Options options(reads_presets({"plan", "", "", "pipeline", ""}));
  pipeline.declare(options);
  apply(options, "");
  pipeline.init = place_of_init(pipeline.init, options);
  for (const auto& path : preset_chain_)
    if (const auto section = ini(path).find("dataset"); section != ini(path).end())
      for (const auto& [key, value] : section->second) dataset[key] = value;
  for (const auto& text : request.overrides)
    if (const size_t equals = text.find('='); text.rfind("dataset.", 0) == 0 && equals != std::string::npos)
      dataset[text.substr(8, equals - 8)] = text.substr(equals + 1);
  dataset.emplace("seed", std::to_string(request.seed));
  for (const auto& table : request.tables) add_table(table);
}

// In terms of this run: its split and modes, and the seeds asked for. Variants that the cells need join those to run.
void RunPlan::add_table(const std::string& name) {
  const auto known = names_in(request_.tables_folder, ".txt");
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    const std::string close = nearest(name, known);
    fail_usage("table '{}' is not known{}; {} has: {}", name,
               close.empty() ? "" : fmt::format(" (did you mean '{}'?)", close), request_.tables_folder.string(),
               join(known, ", "));
  }
  const auto& p = pipeline;
  const bool is_of_coco = p.dataset == "coco";  // whose table has labels alone
  if (p.modes.empty() && !is_of_coco) fail_usage("[pipeline] modes is empty; tables need predictions");
  std::map<std::string, std::string> placeholders = {{"split", p.evaluate_split}, {"train", p.train_split}};
  if (!p.modes.empty()) placeholders.insert({{"plain", p.modes.front()}, {"refined", p.modes.back()}});
  if (is_of_coco) placeholders["coco"] = p.evaluate_split;
  if (!p.test_split.empty() && !is_unlabelled_test(p.test_split)) placeholders["test"] = p.test_split;
  Table table = read_table(request_.tables_folder / (name + ".txt"), placeholders);
  if (!request_.seeds.empty()) table.repeat(request_.seeds);
  for (const auto& key : table.keys()) {
    const auto words = split(key.key, '/');
    if (words[0] == "stage1") add_once(pipeline.stage1, words[1]);
    if (words[0] == "stage2") add_once(pipeline.stage2, words[1]);
    if (words[0] == "stage3") add_once(pipeline.stage3, words[1]);
    if (words[0] == "baseline") add_once(pipeline.baselines, words[2]);
  }
  tables.push_back(std::move(table));
}

// Defaults <- presets, base first <- the variant <- overrides of the command line <- the seed.
void RunPlan::apply(Options& options, const std::string& variant) const {
  for (const auto& path : preset_chain_) options.apply(ini(path), path);
  int64_t seed_offset = 0;
  if (!variant.empty()) {
    const VariantName name = parse_variant(variant);
    seed_offset = name.seed_offset;
    const fs::path path = find_ini(request_.variants, name.base, "variant");
    options.apply(ini(path), path);
    if (name.has_second_network && options.info().section == "stage3")
      apply_second_network(options, pipeline, request_.preset);
    for (const auto& s : name.settings)
      if (s.section == options.info().section) options.set(s.option, s.value, "variant " + variant);
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
    options.set(key, text.substr(equals + 1), kFromCommandLine);
  }
  options.set("seed", std::to_string(request_.seed + seed_offset + (options.is_default("seed") ? 0 : options.seed)),
              "the run");
}

std::string RunPlan::upstream(const std::string& variant, const std::string& section) const {
  const VariantName name = parse_variant(variant);
  const Ini& variant_ini = ini(find_ini(request_.variants, name.base, "variant"));
  std::string from = "bap";
  if (const auto found = variant_ini.find(section); found != variant_ini.end())
    if (const auto entry = found->second.find("from"); entry != found->second.end()) from = entry->second;
  return upstream_variant(name, section, from);
}

// A preset names weights of the project, wherever the user stands; `--set` names them from there.
std::string RunPlan::place_of_init(const std::string& init, const Options& options) const {
  const bool is_of_preset = !init.empty() && options.origin("init") != kFromCommandLine;
  return is_of_preset ? (request_.project / init).string() : init;
}

// `set` is called with the options last, for what neither preset nor variant decides.
template <class Values, class Set>
RunPlan::Resolved<Values> RunPlan::resolve(const ProgramInfo& info, const std::string& variant, const Set& set) const {
  Resolved<Values> stage;
  Options options(info);
  stage.values.declare(options);
  apply(options, variant);
  set(options);
  if constexpr (requires { stage.values.init; }) stage.values.init = place_of_init(stage.values.init, options);
  stage.resolved = options.resolved();
  return stage;
}

RunPlan::Resolved<Stage1Options> RunPlan::stage1(const std::string& variant) const {
  auto stage = resolve<Stage1Options>(stage1_info(), variant,
                                      [&](Options& o) { o.set("split", pipeline.train_split, "the run"); });
  if (stage.values.init.empty()) stage.values.init = pipeline.init;
  return stage;
}

RunPlan::Resolved<Stage2Options> RunPlan::stage2(const std::string& variant, const std::string& split) const {
  auto stage = resolve<Stage2Options>(stage2_info(), variant, [&](Options& o) { o.set("split", split, "the run"); });
  stage.from = upstream(variant, "stage2");
  return stage;
}

RunPlan::Resolved<Stage3Options> RunPlan::stage3(const std::string& variant) const {
  auto stage = resolve<Stage3Options>(stage3_train_info(), variant,
                                      [&](Options& o) { o.set("split", pipeline.train_split, "the run"); });
  if (stage.values.init.empty()) stage.values.init = pipeline.init;
  if (stage.values.loss != "true_masks") stage.from = upstream(variant, "stage3");
  return stage;
}

RunPlan::Resolved<PredictOptions> RunPlan::predict(const std::string& variant, const std::string& split,
                                                   const std::string& mode) const {
  static const std::vector<std::string> kModes = {"plain", "crf", "tta", "tta_crf"};
  if (std::find(kModes.begin(), kModes.end(), mode) == kModes.end())
    fail_usage("[pipeline] modes: '{}' is not one of {}", mode, join(kModes, ", "));
  const auto flag = [](bool is_set) { return is_set ? "true" : "false"; };
  return resolve<PredictOptions>(stage3_predict_info(), variant, [&](Options& o) {
    o.set("split", split, "the run");
    o.set("tta", flag(mode.starts_with("tta")), "mode " + mode);
    o.set("crf", flag(mode.ends_with("crf")), "mode " + mode);
  });
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

bool RunPlan::is_unlabelled_test(const std::string& split) const {
  const auto& without = pipeline.without_boxes;
  return split == pipeline.test_split && std::find(without.begin(), without.end(), split) != without.end();
}

std::vector<RunPlan::Prediction> RunPlan::predictions(const std::string& variant) const {
  const auto& p = pipeline;
  std::vector<Prediction> all;
  for (const auto& mode : p.modes) all.push_back({p.evaluate_split, mode});
  if (p.test_split.empty() || p.test_split == p.evaluate_split) return all;
  for (const auto& mode : p.modes) {
    const std::string key = fmt::format("stage3/{}/{}/{}", variant, p.test_split, mode);
    const bool is_in_table = std::any_of(tables.begin(), tables.end(), [&](const Table& t) { return t.has(key); });
    if (is_in_table || is_unlabelled_test(p.test_split)) all.push_back({p.test_split, mode});
  }
  return all;
}

}  // namespace boxseg
