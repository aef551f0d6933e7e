// Decides what of a run is stale: writes RUN/plan.mk for Make, or says why.
#include <algorithm>
#include <cstdio>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/text.h"
#include "common/pipeline/plan/fragment.h"
#include "common/pipeline/plan/graph.h"
#include "common/pipeline/plan/plan_files.h"
#include "common/pipeline/plan/run_layout.h"
#include "common/pipeline/plan/shell.h"
#include "common/runtime/program.h"

namespace boxseg {
namespace {

struct PlanOptions {
  std::string run, preset = "demo", project, presets, variants, bin, voc, coco, images, boxes, masks, classifier,
                   class_map, launch, run_options, record;
  std::vector<std::string> overrides;
  std::vector<std::string> tables;
  std::vector<double> seeds;
  std::string tables_folder;
  bool is_why = false, is_status = false, is_print = false, is_fresh = false;

  void declare(Options& o) {
    o.add("run", &run, "folder of the run; default runs/PRESET", Role::run);
    o.add("preset", &preset, "name of a preset");
    o.add("project", &project,
          "folder in which presets, variants, tables and the weights that presets name are found; default: this one",
          Role::input);
    o.add("presets", &presets, "folder of the presets; default PROJECT/data/presets", Role::input);
    o.add("variants", &variants, "folder of the variants; default PROJECT/data/variants", Role::input);
    o.add("bin", &bin, "folder of the programs; default: that of plan", Role::run);
    o.add("voc", &voc, "root of a VOC folder, for presets that need one", Role::input);
    o.add("coco", &coco, "folder of COCO 2017 (annotations, train2017, val2017), for presets that need one",
          Role::input);
    o.add("images", &images, "folder of photographs, for presets of own photographs; kept in the run", Role::input);
    o.add("boxes", &boxes, "file or folder of their boxes; kept in the run", Role::input);
    o.add("masks", &masks, "file or folder of masks that another tool made for them; kept in the run", Role::input);
    o.add("classifier", &classifier, "classifier.pt to label with, instead of training one; kept in the run",
          Role::input);
    o.add("class-map", &class_map,
          "CLASSIFIER=DATASET,...: a class of that classifier, then the class of the boxes that it stands for; kept in "
          "the run");
    o.add("launch", &launch, "prefix of stage commands, such as 'srun -n 1'", Role::run);
    o.add("run-options", &run_options, "appended to every command, such as '--threads 2'", Role::run);
    o.add_repeated("set", &overrides,
                   "SECTION.OPTION=VALUE, over preset and variant; repeatable; kept in runs of own photographs, "
                   "until others are given, or '' for none");
    o.add("tables-folder", &tables_folder, "folder of the tables; default PROJECT/data/tables", Role::input);
    o.add("tables", &tables, "names of tables to make, such as table3,figure3");
    o.add("seeds", &seeds, "each cell of a table is the mean over these seeds, such as 1,2,3");
    o.add("why", &is_why, "say what is stale and why; exit 4 when something is", Role::run);
    o.add("status", &is_status, "list every piece of work with its state", Role::run);
    o.add("print", &is_print,
          "print plan.mk instead of writing it; refused when something is stale: for a read-only run", Role::run);
    o.add("fresh", &is_fresh, "read every file again, whatever size and time say", Role::run);
    o.add("record", &record, "note that this piece of work is done (recipes call it)", Role::run);
  }

  void complete(Options& options) {
    if (run.empty()) run = "runs/" + preset;
    const fs::path data = fs::path(project) / "data";
    for (const auto& [folder, name] :
         {std::pair{&presets, "presets"}, {&variants, "variants"}, {&tables_folder, "tables"}})
      if (folder->empty()) *folder = (data / name).string();
    recall_source(options);
    std::erase(overrides, "");
    for (auto& text : overrides) text = with_absolute_file(text);
  }

 private:
  // What an earlier call named for this run, and this one does not.
  void recall_source(Options& options) {
    const fs::path path = RunLayout{run}.source();
    if (!fs::exists(path)) return;
    const Ini ini = read_ini_file(path);
    const auto section = ini.find("plan");
    if (section == ini.end()) return;
    const auto recalled = [&](const char* name) {
      const auto found = section->second.find(name);
      return found == section->second.end() ? std::string() : found->second;
    };
    for (const auto& [name, value] : {std::pair{"images", &images},
                                      {"boxes", &boxes},
                                      {"masks", &masks},
                                      {"classifier", &classifier},
                                      {"class-map", &class_map}})
      if (options.is_default(name)) *value = recalled(name);
    if (const std::string seed = recalled("seed"); !seed.empty() && options.is_default("seed"))
      options.set("seed", seed, path.string());
    if (!overrides.empty()) return;
    overrides = split(recalled("set"), kBetweenSettings);
    if (!overrides.empty())
      log_info("{}: with its own settings, SET=\"{}\"; another SET takes their place, SET= forgets them", run,
               join(overrides, " "));
  }

  // The run may be continued from another folder.
  static std::string with_absolute_file(const std::string& setting) {
    for (const std::string name :
         {"dataset.classes=", "pipeline.init=", "pipeline.second-init=", "stage1.init=", "stage3.init="})
      if (setting.starts_with(name) && setting.size() > name.size())
        return name + fs::absolute(setting.substr(name.size())).lexically_normal().string();
    return setting;
  }
};

// Said before what a run that is not there would consist of, since its name may be mistaken.
std::string no_run_yet(const PlanOptions& o) {
  return fmt::format("{}: no run is there yet{}. With PRESET={} it would be made of:\n", o.run,
                     RunLayout{o.run}.other_runs(), o.preset);
}

fs::path own_folder(const char* argv0) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(argv0).parent_path() : self.parent_path();
}

// The command that recipes use to call this very plan again, without --why, --status and --record.
std::string own_command(const PlanOptions& o, int64_t seed, const fs::path& bin) {
  std::string command = shell_quote((bin / "plan").string());
  const auto option = [&](const char* name, const std::string& value) {
    if (!value.empty()) command += fmt::format(" --{} {}", name, shell_quote(value));
  };
  option("run", o.run);
  option("preset", o.preset);
  option("project", o.project);
  option("presets", o.presets);
  option("variants", o.variants);
  option("voc", o.voc);
  option("coco", o.coco);
  option("images", o.images);
  option("boxes", o.boxes);
  option("masks", o.masks);
  option("classifier", o.classifier);
  option("class-map", o.class_map);
  option("seed", std::to_string(seed));
  for (const auto& text : o.overrides) option("set", text);
  return command;
}

int body(int argc, char** argv) {
  PlanOptions o;
  Options options(
      {"plan", "Decides what of a run is stale, and why.", "plan --run runs/demo --preset demo --why", "", "1"});
  o.declare(options);
  if (!options.parse(argc, argv)) return 0;
  o.complete(options);
  for (const auto& [name, value] : {std::pair{"run", o.run},
                                    {"voc", o.voc},
                                    {"coco", o.coco},
                                    {"images", o.images},
                                    {"boxes", o.boxes},
                                    {"masks", o.masks},
                                    {"classifier", o.classifier},
                                    {"class-map", o.class_map},
                                    {"launch", o.launch},
                                    {"bin", o.bin},
                                    {"preset", o.preset},
                                    {"project", o.project},
                                    {"presets", o.presets},
                                    {"variants", o.variants},
                                    {"run-options", o.run_options},
                                    {"set", join(o.overrides, " ")}})
    if (value.find_first_of("\n\r") != std::string::npos)
      fail_usage("--{}: holds a line break, which no Makefile takes; choose another name", name);

  if (!o.class_map.empty() && o.classifier.empty())
    fail_usage(
        "--class-map {}: is of a classifier that is given (CLASSIFIER=classifier.pt); one that is trained here has the "
        "classes of the boxes",
        o.class_map);

  if (!o.classifier.empty() && !options.is_default("classifier") && !fs::is_regular_file(o.classifier))
    fail_usage("--classifier {}: no such file; name a classifier.pt", o.classifier);

  GraphRequest request;
  request.run = {o.presets,    o.variants,      o.preset, o.overrides,
                 options.seed, o.tables_folder, o.tables, {o.seeds.begin(), o.seeds.end()},
                 o.project};
  request.run_dir = o.run;
  request.bin = o.bin.empty() ? own_folder(argv[0]) : fs::path(o.bin);
  request.voc = o.voc;
  request.coco = o.coco;
  request.images = o.images;
  request.boxes = o.boxes;
  request.masks = o.masks;
  request.classifier = o.classifier;
  request.class_map = o.class_map;
  request.launch = o.launch;
  request.run_options = o.run_options;
  request.reads_all = o.is_fresh;
  request.plan_command = own_command(o, options.seed, request.bin);
  if (!o.record.empty()) {
    record_receipt(request, o.record);
    return 0;
  }
  const std::vector<Node> nodes = make_graph(request);
  if (o.is_why || o.is_status) {
    if (!fs::exists(RunLayout{o.run}.fragment())) std::fputs(no_run_yet(o).c_str(), stdout);
    std::fputs((o.is_why ? explain(nodes) : status_table(nodes, published_times(o.preset))).c_str(), stdout);
    const bool is_stale = std::any_of(nodes.begin(), nodes.end(), [](const Node& n) { return !n.reason.empty(); });
    return o.is_why && is_stale ? static_cast<int>(ErrorKind::stale) : 0;
  }
  if (!o.is_print) return write_plan(request.run_dir, o.preset, nodes), 0;
  for (const auto& node : nodes)
    if (!node.reason.empty())
      fail("{}: cannot be written, and {} is not up to date: {}; copy the run to a folder that can be written", o.run,
           node.name, node.reason);
  std::fputs(make_fragment(nodes).c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("plan", argc, argv, boxseg::body); }
