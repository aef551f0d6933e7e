// Nodes of a run: how their commands begin, and whether what they make is up to date. graph.cpp says which there are.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/data/dataset.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/graph.h"
#include "common/pipeline/plan/receipts.h"
#include "common/pipeline/plan/run_layout.h"
#include "common/pipeline/stage/stage_inputs.h"

namespace boxseg {

// " --name 'value'", quoted for the shell.
std::string option(const std::string& name, const std::string& value);
std::string option(const std::string& name, const fs::path& value);

// The text of a file for --config: all options in force, in their section.
std::string ini_text(const std::string& section, const std::map<std::string, std::string>& values);

// A run as it stands on disk: the plan, the dataset's index if there is one, and the receipts.
struct RunState {
  explicit RunState(const GraphRequest& request);
  RunState(const RunState&) = delete;  // receipts refers to the other members

  // Throws failed where there is no index yet.
  const Dataset& indexed() const;

  RunPlan plan;
  RunLayout layout;
  RunSources sources;
  std::optional<Dataset> dataset;
  Receipts receipts{plan, layout, sources, dataset};
};

class RunNodes {
 public:
  // Both must outlive this.
  RunNodes(const GraphRequest& request, RunState& state) : request_(request), state_(state) {}

  Node& add(WorkKind kind, std::string subject, std::vector<std::string> needs);
  std::vector<Node>& all() { return nodes_; }

  std::string program(const std::string& name) const;
  std::string run_options() const;
  // The files are looked for where the run has them now, which may have been copied since dataset.h5 was written.
  std::string dataset_options() const;
  // `words`: "stage3_segment train". The options in force become the file that --config names.
  std::string stage_command(Node& node, const std::string& words, const std::string& config, const std::string& section,
                            const ResolvedOptions& resolved) const;

  // By the manifest of `dir`. `inputs` is called only when the nodes needed are up to date; what it throws is a reason.
  void decide_by_manifest(Node& node, const fs::path& dir, const ProgramInfo& maker, const ResolvedOptions& resolved,
                          const std::function<Inputs()>& inputs) const;
  // By its receipt, which the recipe's last command writes.
  void decide_by_receipt(Node& node) const;
  // Has `verify` read the checkpoint of a training that was stopped.
  void look_at_checkpoint(Node& node, const fs::path& dir, const ProgramInfo& maker) const;

 private:
  void inherit_reason(Node& node) const;
  std::string check_command(const ProgramInfo& maker, const fs::path& path) const;

  const GraphRequest& request_;
  RunState& state_;
  std::vector<Node> nodes_;
};

}  // namespace boxseg
