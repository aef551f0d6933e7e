// The program prepare indexes a dataset, makes the synthetic one, checks and shows artifacts, and gives foreign labels
// a manifest.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/describe.h"
#include "common/data/formats/voc/voc.h"
#include "common/data/import_labels.h"
#include "common/data/synthetic.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/dataset_flags.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/lock.h"
#include "common/pipeline/stage/sections.h"
#include "common/runtime/parallel.h"
#include "common/runtime/program.h"

namespace boxseg {
namespace {

ProgramInfo info(const std::string& command, const std::string& summary, const std::string& example,
                 const std::string& section = "") {
  return reads_presets({"prepare " + command, summary, "prepare " + example, section, kPrepareFingerprint});
}

// Answers --check FILE: says whether FILE is a whole index.
bool answered_check(const Options& options) {
  if (options.check_file.empty()) return false;
  const Dataset dataset = read_dataset(options.check_file, {}, false);
  log_info("{}: whole, {} images", options.check_file, dataset.images.size());
  return true;
}

// Says what was made of the class list: "1 cat (12 boxes), 2 dog (no box)".
std::string classes_with_boxes(const Dataset& dataset) {
  constexpr size_t kShown = 8;
  std::vector<int64_t> boxes(dataset.class_names.size());
  for (const auto& image : dataset.images)
    for (const Box& box : image.boxes) ++boxes[static_cast<size_t>(box.class_id)];
  std::vector<std::string> shown;
  for (size_t c = 1; c < std::min(boxes.size(), kShown + 1); ++c)
    shown.push_back(fmt::format("{} {} ({})", c, dataset.class_names[c],
                                boxes[c] == 0   ? "no box"
                                : boxes[c] == 1 ? "1 box"
                                                : fmt::format("{} boxes", boxes[c])));
  return join(shown, ", ") + (boxes.size() > kShown + 1 ? ", ..." : "");
}

// Refuses an output that is a file of the folder that is indexed, since the index would be the end of that file.
void refuse_voc_files(const fs::path& output, const VocOptions& voc, const Dataset& dataset) {
  refuse_dataset_files({output}, "--output", dataset);
  std::vector<fs::path> others = {voc.root / "classes.txt"};
  for (const auto& [split, list] : voc.splits)
    for (const auto& folder : {fs::path(), voc.root, voc.root / "ImageSets" / "Segmentation"})
      for (const char* suffix : {"", ".txt"}) others.push_back(folder / (list + suffix));
  for (const auto& image : dataset.images) others.push_back(voc.root / "Annotations" / (image.id + ".xml"));
  refuse_inputs_among({output}, "--output", others);
}

int prepare_voc(int argc, char** argv) {
  VocOptions voc;
  std::string root, output, class_file, on_bad_image = "fail", name = "voc";
  std::vector<std::string> splits, class_names;
  Options options(info("voc", "Indexes a VOC folder (JPEGImages, Annotations, lists, masks) and checks every file.",
                       "voc --root VOC2012 --split train=train_aug --split val=val --output dataset.h5", "dataset"));
  options.add("root", &root, "folder with JPEGImages and Annotations", Role::input);
  options.add_repeated("split", &splits, "NAME=LIST, repeatable; LIST is a file, or a name in ImageSets/Segmentation");
  options.add("classes", &class_file,
              "file with one class name a line, in the order of label values; default: classes.txt of the folder, else "
              "VOC's 21",
              Role::input);
  options.add("class-names", &class_names, "class names in the order of label values, instead of a file");
  options.add(
      "masks", &voc.masks,
      "folder of ground-truth label PNGs or SBD's .mat files (cls), or none; default: SegmentationClassAug, else "
      "SegmentationClass");
  options.add("without-boxes", &voc.without_boxes, "splits whose images need no annotation (a test set)");
  options.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"},
                     "what to do with images, or boxes of them, that fail a check");
  options.add("name", &name, "name of the dataset");
  options.add("output", &output, "index to write, such as dataset.h5", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (answered_check(options)) return 0;
  require_given(root, "root");
  require_given(output, "output");
  if (!class_file.empty() && !class_names.empty()) fail_usage("--classes and --class-names exclude each other");
  for (const auto& split : splits) {
    const size_t equals = split.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == split.size())
      fail_usage("--split {}: expected NAME=LIST, such as train=train", split);
    voc.splits.emplace_back(trim(split.substr(0, equals)), trim(split.substr(equals + 1)));
  }
  voc.root = root;
  if (!class_file.empty()) voc.class_names = read_class_list(class_file);
  if (!class_names.empty()) voc.class_names = with_background(class_names, "--class-names");
  voc.skips_bad_images = on_bad_image == "skip";
  voc.threads = resolve_threads(options.threads);
  require_name_of(Format::hdf5, output);
  require_writable_file(output);
  const FileLock lock(lock_of(output));
  VocReport report;
  Dataset dataset = index_voc(voc, report);
  refuse_voc_files(output, voc, dataset);
  dataset.name = name;
  auto& facts = dataset.facts;
  facts = {{"program", options.info().name},
           {"fingerprint", options.info().fingerprint},
           {"classes from", report.class_source},
           {"masks from", report.mask_folder.empty() ? "none" : report.mask_folder},
           {"boxes clipped", std::to_string(report.clipped_boxes)},
           {"boxes difficult", std::to_string(report.difficult_boxes)},
           {"images left out", std::to_string(report.skipped.size())}};
  for (const auto& [key, value] : options.resolved().values) facts["option " + key] = value;
  for (size_t i = 0; i < report.skipped.size(); ++i) facts[fmt::format("left out {:06}", i + 1)] = report.skipped[i];
  if (!report.lost_boxes.empty()) facts["boxes left out"] = std::to_string(report.lost_boxes.size());
  for (size_t i = 0; i < report.lost_boxes.size(); ++i)
    facts[fmt::format("box left out {:06}", i + 1)] = report.lost_boxes[i];
  write_dataset(output, dataset);
  log_info("classes from {}: {}", report.class_source, classes_with_boxes(dataset));
  for (const auto& doubt : report.doubts) log_warning("{}", doubt);
  if (report.clipped_boxes > 0)
    log_warning("{} of {} boxes reach over the border and were clipped; the most: {}", report.clipped_boxes,
                report.boxes, report.most_clipped_box);
  if (report.images_without_boxes > 0) log_warning("{} images have no box", report.images_without_boxes);
  log_info("{}: {} images, {} boxes, {} masks{}", output, dataset.images.size(), report.boxes, report.images_with_mask,
           report.skipped.empty() ? "" : fmt::format(", {} images left out", report.skipped.size()));
  return 0;
}

int prepare_synthetic(int argc, char** argv) {
  SyntheticOptions synthetic;
  std::string output;
  Options options(info("synthetic", "Draws the synthetic dataset: a VOC folder with images, boxes and exact masks.",
                       "synthetic --output data/synthetic --images 300 --seed 0", "dataset"));
  options.add("images", &synthetic.images, "number of images; 2/3 train, 1/4 val, the rest test");
  options.add("classes", &synthetic.classes, "number of classes without background, 1 to 8");
  options.add("size-min", &synthetic.size_min, "smallest width and height in pixels");
  options.add("size-max", &synthetic.size_max, "largest width and height in pixels");
  options.add("output", &output, "folder to make", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty())
    fail_usage("--check {}: index the folder with `prepare voc`, which checks every file", options.check_file);
  require_given(output, "output");
  if (options.seed < 0) fail_usage("--seed {}: expected 0 or more", options.seed);
  synthetic.seed = static_cast<uint64_t>(options.seed);
  synthetic.check();
  refuse_foreign_folder(output);
  const FileLock lock(lock_of(synthetic_marker(output)));
  write_synthetic(output, synthetic, resolve_threads(options.threads));
  log_info("{}: {} images; next: prepare voc --root {} --split train=train --split val=val --output dataset.h5", output,
           synthetic.images, output);
  return 0;
}

int prepare_labels(int argc, char** argv) {
  ImportLabelsOptions labels;
  DatasetFlags images("train");
  std::string y_crf, y_ret, output;
  Options options(
      info("labels", "Gives published or hand-made label maps a manifest, so that stage 3 learns from them.",
           "labels --y-crf labels/Y_crf --y-ret labels/Y_ret --dataset dataset.h5 --output runs/own/stage2"));
  options.add("y-crf", &y_crf, "folder of label PNGs, ID.png for each image of the split", Role::input);
  options.add("y-ret", &y_ret, "the second set of labels; without it, losses that compare the two refuse", Role::input);
  images.declare(options, "images that the labels belong to");
  options.add("output", &output, "folder of Y_crf, Y_ret and manifest.h5", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    log_info("{}: whole, {} outputs", options.check_file, read_manifest(options.check_file).outputs.size());
    return 0;
  }
  require_given(y_crf, "y-crf");
  require_given(images.dataset, "dataset");
  require_given(output, "output");
  labels.split = images.split;
  labels.y_crf = y_crf;
  labels.y_ret = y_ret;
  labels.output = output;
  labels.threads = resolve_threads(options.threads);
  const auto start = std::chrono::steady_clock::now();
  const Dataset dataset = read_dataset(images.dataset, images.data_root, false);
  require_writable_directory(output);
  const FileLock lock(lock_of(fs::path(output) / "manifest.h5"));
  Manifest manifest = import_labels(labels, dataset);
  manifest.program = options.info().name;
  manifest.version = kVersion;
  manifest.fingerprint = options.info().fingerprint;
  manifest.options = options.resolved().values;
  manifest.device = "cpu";
  manifest.threads = labels.threads;
  manifest.seed = options.seed;
  manifest.wall_time_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  manifest.facts = {{"y-crf", y_crf}, {"y-ret", y_ret}, {kClassesFact, classes_fact(dataset.class_names)}};
  write_manifest(fs::path(output) / "manifest.h5", manifest);
  log_info("{}: {} label maps of split {}", output, manifest.outputs.size(), labels.split);
  return 0;
}

// Takes the file of `prepare check FILE ...` and `prepare show FILE`: it comes first, then options.
std::string take_file(int& argc, char**& argv, const char* command) {
  if (argc < 2 || argv[1][0] == '-') return "";
  const std::string file = argv[1];
  if (file.empty()) fail_usage("prepare {}: the file name is empty", command);
  argv[1] = argv[0];
  --argc, ++argv;
  return file;
}

int prepare_check(int argc, char** argv) {
  std::string data_root;
  Options options(info("check",
                       "Reads all images and masks of an index again and names those that are gone or changed.",
                       "check dataset.h5"));
  options.add("data-root", &data_root, "where the dataset's files are, if not where prepare found them", Role::run);
  std::string file = take_file(argc, argv, "check");
  if (!options.parse(argc, argv)) return 0;
  if (file.empty()) file = options.check_file;
  if (file.empty()) fail_usage("prepare check: name an index, such as: prepare check dataset.h5");
  const Dataset dataset = read_dataset(file, data_root);
  const auto faults = changed_files(dataset, resolve_threads(options.threads));
  for (const auto& fault : faults) std::printf("%s\n", printable(fault).c_str());
  if (!faults.empty()) fail_input("{}: {} of its files are gone or changed", file, faults.size());
  log_info("{}: {} images, all as they were indexed", file, dataset.images.size());
  return 0;
}

int prepare_show(int argc, char** argv) {
  Options options(info("show", "Prints any artifact as text: index, manifest, attention shard, label map, checkpoint.",
                       "show dataset.h5"));
  const std::string file = take_file(argc, argv, "show");
  if (!options.parse(argc, argv)) return 0;
  if (file.empty()) fail_usage("prepare show: name a file, such as: prepare show dataset.h5");
  std::fputs(printable(describe_file(file)).c_str(), stdout);
  return 0;
}

constexpr const char* kHelp =
    "prepare: indexes datasets, and looks at artifacts.\n\n"
    "  prepare voc        index a VOC folder, checking every file\n"
    "  prepare synthetic  draw the synthetic dataset\n"
    "  prepare labels     give published or hand-made label maps a manifest\n"
    "  prepare check      read all files of an index again\n"
    "  prepare show       print any artifact as text\n\n"
    "Example:\n  prepare synthetic --output data/synthetic --images 60\n"
    "  prepare voc --root data/synthetic --split train=train --split val=val --output dataset.h5\n\n"
    "`prepare COMMAND --help` lists the options of each; --version and --fingerprint work here too.\n";

int run(int argc, char** argv) {
  watch_interrupts();
  const std::vector<std::pair<std::string, int (*)(int, char**)>> commands = {{"voc", prepare_voc},
                                                                              {"synthetic", prepare_synthetic},
                                                                              {"labels", prepare_labels},
                                                                              {"check", prepare_check},
                                                                              {"show", prepare_show}};
  const std::string word = argc > 1 ? argv[1] : "";
  for (const auto& [name, command] : commands)
    if (word == name) return command(argc - 1, argv + 1);
  if (word == "--help") return std::fputs(kHelp, stdout), 0;
  if (word == "--version") return std::printf("boxseg %s\n", kVersion), 0;
  if (word == "--fingerprint") return std::printf("%s\n", kPrepareFingerprint.c_str()), 0;
  std::vector<std::string> names;
  for (const auto& [name, command] : commands) names.push_back(name);
  if (word.empty()) fail_usage("name a command: {}; see --help", join(names, ", "));
  const std::string close = nearest(word, names);
  fail_usage("unknown command '{}'{}; known: {}", word, close.empty() ? "" : fmt::format(", did you mean '{}'?", close),
             join(names, ", "));
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("prepare", argc, argv, boxseg::run); }
