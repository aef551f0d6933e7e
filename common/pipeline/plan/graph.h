// The pieces of work of a run, what each needs, and whether it is up to date: the one place where staleness is decided.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/pipeline/plan/preset.h"
#include "common/pipeline/plan/work.h"

namespace boxseg {

struct Node {
  Work work;
  std::string name;                   // of the work, its Make target: "stage2/bap/val"
  std::vector<std::string> needs;     // names of nodes
  std::vector<std::string> commands;  // shell commands, quoted
  std::string record;  // the command after those that notes that it is done; "" where the work leaves a manifest
  std::string reason;  // why it must run, a sentence; "" = up to date
  std::string check;   // command that reads again all that was made; "" = nothing was, or nothing to compare with
  std::string damage;  // a sentence when what was made is not as its receipt says; "" = it is
  std::optional<double> took_s;    // when it was made last, by its manifest; none without one
  fs::path checkpoint;             // of a training that was stopped; needed no more, but `verify` looks; "" = none
  std::string checkpoint_check;    // command that reads it
  std::vector<std::string> shows;  // commands after those that show what is there by now: quiet, and free to fail
  std::map<fs::path, std::string> files;  // that its commands read, written by the plan: options in force, tables
  std::vector<fs::path> proofs;           // files without which it counts as not made: manifests, or the receipt
};

struct GraphRequest {
  RunRequest run;
  fs::path run_dir;          // runs/demo
  fs::path bin;              // folder of the programs
  fs::path voc;              // root of a VOC folder, for presets whose dataset is voc
  fs::path coco;             // folder of COCO, for presets whose dataset is coco
  fs::path images, boxes;    // photographs and boxes, for presets whose dataset is boxes
  fs::path masks;            // of another tool, for the same; "" = none
  fs::path classifier;       // labels with it instead of training one
  std::string class_map;     // of its classes: --class-map of stage 2
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

}  // namespace boxseg
