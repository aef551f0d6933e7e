#include "common/pipeline/plan/run_nodes.h"

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/plan/shell.h"
#include "common/pipeline/stage/digest_cache.h"
#include "common/pipeline/stage/staleness.h"

namespace boxseg {

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

namespace {

// A map of classes is an option of stage 2, and goes before what presets and others say.
RunRequest with_class_map(const GraphRequest& request) {
  RunRequest run = request.run;
  if (!request.class_map.empty()) run.overrides.push_back("stage2.class-map=" + request.class_map);
  return run;
}

}  // namespace

RunState::RunState(const GraphRequest& request)
    : plan(with_class_map(request)),
      layout{request.run_dir},
      sources{{}, request.boxes, request.masks, {request.coco}} {
  const auto& p = plan.pipeline;
  sources.root = p.dataset == "synthetic" ? layout.synthetic_root()
                 : p.dataset == "boxes"   ? request.images
                 : p.dataset == "coco"    ? sources.coco.root(p.splits)
                                          : request.voc;
  DigestCache::shared().load(layout.digest_cache(), request.reads_all);
  try {
    if (fs::exists(layout.dataset())) dataset = read_dataset(layout.dataset(), {}, false);
  } catch (const Error&) {
    // A damaged or old index is made again.
  }
}

const Dataset& RunState::indexed() const {
  if (!dataset) fail("{} is not there yet", layout.dataset().string());
  return *dataset;
}

Node& RunNodes::add(WorkKind kind, std::string subject, std::vector<std::string> needs) {
  Node node;
  node.work = {kind, std::move(subject)};
  node.name = node.work.name();
  node.needs = std::move(needs);
  nodes_.push_back(std::move(node));
  return nodes_.back();
}

std::string RunNodes::program(const std::string& name) const { return shell_quote((request_.bin / name).string()); }

std::string RunNodes::run_options() const { return request_.run_options.empty() ? "" : " " + request_.run_options; }

std::string RunNodes::dataset_options() const {
  return option("dataset", state_.layout.dataset()) + option("data-root", state_.sources.root);
}

std::string RunNodes::stage_command(Node& node, const std::string& words, const std::string& config,
                                    const std::string& section, const ResolvedOptions& resolved) const {
  const size_t blank = words.find(' ');
  std::string command = request_.launch.empty() ? "" : request_.launch + " ";
  command += program(words.substr(0, blank)) + (blank == std::string::npos ? "" : words.substr(blank));
  const fs::path file = state_.layout.config(config);
  node.files[file] = ini_text(section, resolved.values);
  return command + option("config", file) + dataset_options();
}

// A node whose need must run, must run (or at least look).
void RunNodes::inherit_reason(Node& node) const {
  for (const auto& need : node.needs)
    for (const auto& other : nodes_)
      if (other.name == need && !other.reason.empty() && node.reason.empty())
        node.reason = fmt::format("{} will be made again", need);
}

void RunNodes::decide_by_manifest(Node& node, const fs::path& dir, const ProgramInfo& maker,
                                  const ResolvedOptions& resolved, const std::function<Inputs()>& inputs) const {
  const fs::path path = dir / "manifest.h5";
  node.proofs.push_back(path);
  const auto manifest = try_read_manifest(path);
  if (!manifest) {
    node.reason = kNotMade;
    return;
  }
  node.check = check_command(maker, path);
  node.took_s = manifest->wall_time_s;
  inherit_reason(node);
  if (!node.reason.empty()) return;
  try {
    node.reason = staleness(*manifest, dir, {maker.name, maker.fingerprint, resolved, inputs()});
  } catch (const Error& e) {
    node.reason = e.what();
  }
}

std::string RunNodes::check_command(const ProgramInfo& maker, const fs::path& path) const {
  return program(maker.name.substr(0, maker.name.find(' '))) + option("check", path);
}

void RunNodes::look_at_checkpoint(Node& node, const fs::path& dir, const ProgramInfo& maker) const {
  const fs::path path = dir / "checkpoint.pt";
  if (node.check.empty() || !fs::exists(path)) return;
  node.checkpoint = path;
  node.checkpoint_check = check_command(maker, path);
}

void RunNodes::decide_by_receipt(Node& node) const {
  node.record = request_.plan_command + option("record", node.name);
  const fs::path path = state_.layout.receipt(node.name);
  node.proofs.push_back(path);
  if (!fs::exists(path)) node.reason = kNotMade;
  inherit_reason(node);
  if (node.reason.empty()) node.reason = state_.receipts.why_stale(node.work);
  node.damage = state_.receipts.why_damaged(node.work);
}

}  // namespace boxseg
