// The pieces of work of a run, what each needs, and whether it is up to date: the one place where staleness is decided.
#pragma once
#include <string>
#include <vector>

#include "common/pipeline/plan/pending.h"
#include "common/pipeline/plan/preset.h"

namespace boxseg {

struct Node {
  std::string name;   // Make target: "stage2/bap/val"
  std::string group;  // "dataset", "stage1", "stage2", "stage3", "predict", "evaluate", "server", "tables", "report"
  std::vector<std::string> needs;     // names of nodes
  std::vector<std::string> commands;  // shell commands, quoted
  std::string reason;                 // why it must run, a sentence; "" = up to date
  std::string check;    // command that reads again all that was made; "" = nothing was, or nothing to compare with
  std::string damage;   // a sentence when what was made is not as its receipt says; "" = it is
  fs::path checkpoint;  // of a training that was stopped; needed no more, but `verify` looks; "" = none
  std::string checkpoint_check;     // command that reads it
  std::vector<std::string> shows;   // commands after those that show what is there by now: quiet, and free to fail
  std::vector<PendingKey> pending;  // of a table: numbers that stale pieces of work will make
  std::vector<fs::path> proofs;     // files without which it counts as not made: manifests, or the receipt
};

struct GraphRequest {
  RunRequest run;
  fs::path run_dir;          // runs/demo
  fs::path bin;              // folder of the programs
  fs::path voc;              // root of a VOC folder, for presets whose dataset is voc
  std::string launch;        // prefix of stage commands: "srun -n 1"
  std::string run_options;   // appended to stage commands, without influence on results: "--threads 2 --device cpu"
  bool reads_all = false;    // forgets the digests of files whose size and time are as they were
  std::string plan_command;  // how a recipe calls `plan --record NODE` again
};

// The nodes in an order in which each stands after those it needs. Reads manifests, dataset.h5, metrics.json and
// receipts.
std::vector<Node> make_graph(const GraphRequest& request);

// Notes that a piece of work without a manifest is done (recipes call it).
void record_receipt(const GraphRequest& request, const std::string& node);

// Writes the plan: RUN/plan.mk for Make; RUN/config/*.ini, one per piece of work, with all options in force;
// RUN/tables/*.txt, the tables asked for; and what of each table is pending. Files whose text would be the same stay as
// they are; where all do, nothing is written and no lock is taken, so that a finished run may be read-only. A
// metrics.json that cannot be read is put aside, with a warning: its numbers are measured again. Throws usage for a
// folder of somebody's own.
void write_plan(const GraphRequest& request, const std::vector<Node>& nodes);

}  // namespace boxseg
