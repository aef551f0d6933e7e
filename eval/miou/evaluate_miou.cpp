#include "eval/miou/evaluate_miou.h"

#include <atomic>
#include <cmath>
#include <cstdio>
#include <opencv2/core/utility.hpp>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/outputs.h"
#include "common/base/visible_text.h"
#include "common/crf/crf_flags.h"
#include "common/data/class_list.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/dataset_flags.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/sections.h"
#include "common/pipeline/stage/stage_options.h"
#include "common/runtime/parallel.h"
#include "eval/miou/baselines.h"
#include "eval/miou/evaluation.h"
#include "eval/miou/mask_folders.h"

namespace boxseg {
namespace {

// What the verbs that measure share.
struct EvaluateOptions : DatasetFlags {
  std::string json, key, recorded, confusion;
  explicit EvaluateOptions(Options& o) : DatasetFlags("val") {
    declare(o, "images to evaluate", "index made by prepare, with masks");
    o.add("json", &json, "merge the numbers into this file", Role::output);
    o.add("key", &key, "path of the numbers in the JSON file; default: told from the folder's name", Role::run);
    o.add("record-inputs", &recorded, "text to store beside the numbers, under KEY/recorded", Role::run);
    o.add("confusion", &confusion, "write the confusion matrix to this CSV file", Role::output);
  }
};

void declare(Options& options, Measures& measures) {
  options.add("boundary", &measures.boundary,
              "also measure how close contours are: boundary F, within 0.75 % of the diagonal");
}

// Answers --check; returns true when the program is done.
bool is_only_check(const Options& options) {
  if (options.check_file.empty()) return false;
  if (!fs::exists(options.check_file)) fail_input("{}: no such file", options.check_file);
  std::printf("%s: %zu numbers\n", options.check_file.c_str(), read_metrics(options.check_file).size());
  return true;
}

// Label PNGs in a folder take the place of a dataset: --truth FOLDER, --classes FILE.
struct TruthFlags {
  std::string folder, classes;
  void declare(Options& o) {
    o.add("truth", &folder, "folder of true label PNGs, in place of --dataset: those of one name are compared",
          Role::input);
    o.add("classes", &classes, "with --truth: file with the classes' names, one a line; default: their numbers",
          Role::input);
  }
  bool is_given() const { return !folder.empty(); }
  bool has_numbered_classes() const { return is_given() && classes.empty(); }
  // Throws usage for options that exclude each other.
  void check(const Options& options, const EvaluateOptions& o) const {
    if (!is_given() && !classes.empty()) fail_usage("--classes {}: goes with --truth; a dataset has its own", classes);
    if (!is_given() && o.dataset.empty()) fail_usage("--dataset is missing, or --truth; see --help");
    if (!is_given()) return;
    for (const char* name : {"dataset", "data-root", "split"})
      if (!options.is_default(name))
        fail_usage("--{} {}: --truth {} is compared in place of a dataset; leave one of the two out", name,
                   options.value(name), folder);
  }
  // The folder as a dataset. Says how its classes are called, and which predictions are left over.
  Dataset open(const LabelFolder& predictions, int threads) const {
    TruthFolder truth = read_truth_folder(folder, threads);
    predictions.require(truth.dataset, truth.dataset.split(kTruthSplit),
                        "Predict these, too, or take their truth out of " + folder);
    const std::string predicted = predictions.path().string();
    if (const auto extra = files_without_truth(predictions.path(), truth); !extra.empty())
      log_warning("{}: {} label maps have no truth of their name, and are not compared; the first is {}", predicted,
                  extra.size(), extra[0]);
    if (!classes.empty()) {
      truth.dataset.class_names = read_class_list(classes);
    } else {
      truth.dataset.class_names = numbered_classes(truth, predictions, threads);
      log_info("classes are numbered 0 to {}, which is the largest value in {} and {}; --classes FILE names them",
               truth.dataset.classes() - 1, folder, predicted);
    }
    return std::move(truth.dataset);
  }
};

Dataset open_dataset(const EvaluateOptions& o) {
  require_given(o.dataset, "dataset");
  return read_dataset(o.dataset, o.data_root);
}

void set_up(const Options& options, const EvaluateOptions& o) {
  const std::string& d = options.device;
  if (d != "auto" && d != "cpu" && d != "cuda" && !d.starts_with("cuda:"))
    fail_usage("--device {}: expected auto, cpu, cuda or cuda:N", d);
  if (!o.json.empty()) require_writable_file(o.json, "--json");
  if (!o.confusion.empty()) require_writable_file(o.confusion, "--confusion");
  watch_interrupts();
  cv::setNumThreads(1);  // images are the unit of parallel work
}

// No output may take the place of a photograph, a mask or a label map that is read.
void refuse_inputs(const EvaluateOptions& o, const Dataset& dataset, const std::vector<fs::path>& folders) {
  for (const auto& [option, path] : {std::pair{"--json", o.json}, {"--confusion", o.confusion}}) {
    if (path.empty()) continue;
    refuse_dataset_files({path}, option, dataset);
    for (const fs::path& folder : folders) refuse_inputs_among({path}, option, label_files(folder, dataset, o.split));
  }
}

// Returns the key to write under, so that it is known before the work is done.
std::string resolve_key(const EvaluateOptions& o, const std::string& usual) {
  std::string key = o.key.empty() ? usual : o.key;
  if (!key.empty())
    check_metrics_key(key);
  else if (!o.json.empty())
    fail_usage("--json {}: --key is missing, and the folder is not one of a run; try --key predictions/{}/mine", o.json,
               o.split);
  return key;
}

void report_result(const EvaluateOptions& o, const std::string& key, const Dataset& dataset, const Evaluation& e,
                   const Digest& inputs, const Metrics& more = {}) {
  if (e.unlabelled > 0)
    log_warning("{} of {} images of split '{}' have no ground-truth mask and were skipped", e.unlabelled,
                e.unlabelled + e.images, o.split);
  std::fputs(printable(table_of(e, dataset.class_names)).c_str(), stdout);
  if (!o.confusion.empty()) write_file(o.confusion, confusion_csv(e.confusion, dataset.class_names));
  if (o.json.empty()) return;
  Metrics metrics = metrics_of(e, dataset.class_names);
  metrics.insert(more.begin(), more.end());
  metrics["inputs"] = inputs;
  if (!o.recorded.empty()) metrics["recorded"] = o.recorded;
  merge_metrics(o.json, key, metrics);
  log_info("{}: {} written", o.json, key);
}

void warn_of_other_classes(const LabelFolder& folder, const Dataset& dataset) {
  if (!folder.manifest()) return;
  if (const std::string difference = other_classes(*folder.manifest(), dataset.class_names); !difference.empty())
    log_warning("{}: was made for other classes: {}; the numbers below compare values, whatever they are called",
                folder.path().string(), difference);
}

// Says how well the classes are labelled that the classifier behind the label maps had learnt, and how well the others:
// the mean IoU of each, without the background and without classes that the truth does not hold.
Metrics numbers_of_kinds(const LabelFolder& folder, const Dataset& dataset, const Evaluation& e) {
  const ClassKinds kinds = class_kinds(folder.manifest(), dataset.class_names);
  const auto iou = e.confusion.scores().iou;
  Metrics metrics;
  for (const auto& [classes, suffix, what] :
       {std::tuple{&kinds.known, "_known", "learnt"}, {&kinds.unknown, "_unknown", "did not learn"}}) {
    double sum = 0;
    int64_t count = 0;
    for (const int64_t c : *classes)
      if (const double value = iou[static_cast<size_t>(c)]; c > 0 && !std::isnan(value)) sum += value, ++count;
    if (count == 0) continue;
    metrics[std::string("miou") + suffix] = sum / static_cast<double>(count);
    std::printf("mIoU of %lld classes that the classifier %s: %.2f\n", static_cast<long long>(count), what,
                sum / static_cast<double>(count));
  }
  return metrics;
}

// Labels that hold true masks would be measured against themselves.
void refuse_kept_masks(const LabelFolder& folder) {
  if (folder.manifest() && keeps_true_masks(*folder.manifest()))
    fail_input(
        "{}: images with true masks keep these as labels (--true-masks keep), so that there is nothing to measure; "
        "label them again without this option",
        folder.path().string());
}

// Digests a folder of label maps: its manifest's digest, or without one the bytes of the label files.
Digest digest_of_folder(const LabelFolder& folder, const Dataset& dataset, const std::vector<int64_t>& images) {
  if (folder.manifest()) return folder.manifest()->digest();
  log_info("{}: no manifest lists these files; they are taken as they are", folder.path().string());
  Hasher hasher;
  for (const int64_t i : images) {
    const ImageEntry& image = dataset.images[static_cast<size_t>(i)];
    hasher.text(image.id).text(digest_of_file(folder.file_of(image)));
  }
  return hasher.digest();
}

void warn_of(const RenumberedFiles& colours) {
  if (const std::string doubt = colours.doubt(); !doubt.empty()) log_warning("{}", doubt);
}

Digest digest_of_inputs(const Dataset& dataset, const std::string& split, const std::vector<std::string>& parts) {
  Hasher hasher;
  hasher.text(kEvaluateFingerprint).text(dataset.digest(split, true));
  for (const auto& part : parts) hasher.text(part);
  return hasher.digest();
}

}  // namespace

int evaluate_miou_command(int argc, char** argv) {
  Options options(reads_presets(
      {"evaluate miou", "Mean IoU of label maps, with the IoU of each class and of the boxes.",
       "evaluate miou --dataset runs/demo/dataset.h5 --split val --predictions runs/demo/stage2/bap/val/Y_crf",
       "evaluate", kEvaluateFingerprint}));
  EvaluateOptions o(options);
  std::string predictions;
  TruthFlags truth;
  Measures measures;
  options.add("predictions", &predictions, "folder of label PNGs, ID.png, as large as their images", Role::input);
  truth.declare(options);
  declare(options, measures);
  if (!options.parse(argc, argv) || is_only_check(options)) return 0;
  require_given(predictions, "predictions");
  const std::string key = resolve_key(o, key_of_folder(predictions));
  truth.check(options, o);
  set_up(options, o);
  const int threads = resolve_threads(options.threads);
  const LabelFolder folder(predictions);
  if (truth.is_given()) o.split = kTruthSplit;
  const Dataset dataset = truth.is_given() ? truth.open(folder, threads) : open_dataset(o);
  const std::vector<int64_t> images = labelled_images(dataset, o.split);
  if (!truth.is_given()) {
    refuse_kept_masks(folder);
    folder.require(dataset, images);
  }
  refuse_inputs(o, dataset, {predictions});
  RenumberedFiles colours(dataset.class_names);
  const auto read = [&](const ImageEntry& image, int64_t) { return folder.read(image, &colours); };
  const Evaluation e = evaluate_split(dataset, o.split, read, Abstention::refused, predictions, threads, measures);
  warn_of(colours);
  if (!truth.has_numbered_classes()) warn_of_other_classes(folder, dataset);
  const Metrics of_kinds = truth.is_given() ? Metrics() : numbers_of_kinds(folder, dataset, e);
  report_result(o, key, dataset, e, digest_of_inputs(dataset, o.split, {digest_of_folder(folder, dataset, images)}),
                of_kinds);
  return 0;
}

int evaluate_baseline_command(int argc, char** argv) {
  Options options(reads_presets({"evaluate baseline", "Mean IoU of labels made from the boxes alone.",
                                 "evaluate baseline --kind filled_boxes --dataset runs/demo/dataset.h5 --split val",
                                 "evaluate", kEvaluateFingerprint}));
  EvaluateOptions o(options);
  std::string kind = "filled_boxes", convention = "reference", output;
  CrfFlags crf_flags;
  Measures measures;
  options.add_choice("kind", &kind, baseline_names(), "what is made of the boxes");
  options.add_choice("box-convention", &convention, {"reference", "exact"},
                     "pixels of a box: the authors' rounding, or exactly the annotated ones");
  crf_flags.declare(options);
  declare(options, measures);
  options.add("output", &output, "also write the labels to this folder, ID.png", Role::output);
  if (!options.parse(argc, argv) || is_only_check(options)) return 0;
  const CrfOptions crf = crf_flags.chosen();
  const std::string key = resolve_key(o, fmt::format("baseline/{}/{}", o.split, kind));
  set_up(options, o);
  if (!output.empty()) require_writable_directory(output);
  const Dataset dataset = open_dataset(o);
  refuse_inputs(o, dataset, {});
  if (!output.empty()) refuse_dataset_files(label_files(output, dataset, o.split), "--output", dataset);
  const BoxConvention box_convention = convention_for(dataset, convention);
  const BaselineKind which = parse_baseline_kind(kind);
  std::atomic<int64_t> fallbacks = 0;
  const auto make = [&](const ImageEntry& image, int64_t) {
    const auto boxes = pixel_boxes(image.boxes, image.size, box_convention);
    int64_t filled = 0;
    LabelMap labels = baseline_labels(which, dataset, image, boxes, crf, static_cast<uint64_t>(options.seed), &filled);
    fallbacks += filled;
    if (!output.empty()) {
      fs::path path = fs::path(output) / output_name(image.id);
      write_label_png(path += ".png", labels, dataset.palette);
    }
    return labels;
  };
  const Evaluation e =
      evaluate_split(dataset, o.split, make, Abstention::refused, kind, resolve_threads(options.threads), measures);
  if (fallbacks > 0) log_info("{} boxes were filled, since GrabCut left nothing of them", fallbacks.load());
  std::vector<std::string> parts = {kind};
  for (const auto& [name, value] : options.resolved().values) parts.push_back(name + "=" + value);
  report_result(o, key, dataset, e, digest_of_inputs(dataset, o.split, parts));
  return 0;
}

int evaluate_agreement_command(int argc, char** argv) {
  Options options(reads_presets(
      {"evaluate agreement",
       "Y_crf and Y_ret where they agree. Pixels where they do not are ignored, taken as background, or wrong.",
       "evaluate agreement --dataset runs/demo/dataset.h5 --split val --y-crf runs/demo/stage2/bap/val/Y_crf "
       "--y-ret runs/demo/stage2/bap/val/Y_ret",
       "evaluate", kEvaluateFingerprint}));
  EvaluateOptions o(options);
  std::string y_crf, y_ret;
  options.add("y-crf", &y_crf, "folder of the labels of the CRF", Role::input);
  options.add("y-ret", &y_ret, "folder of the labels by retrieval", Role::input);
  if (!options.parse(argc, argv) || is_only_check(options)) return 0;
  if (y_crf.empty() || y_ret.empty()) fail_usage("--y-crf and --y-ret are needed; see --help");
  std::string usual = key_of_folder(y_crf);
  if (!usual.empty()) usual = usual.substr(0, usual.rfind('/')) + "/agreement";
  const std::string key = resolve_key(o, usual);
  set_up(options, o);
  const Dataset dataset = open_dataset(o);
  const std::vector<int64_t> images = labelled_images(dataset, o.split);
  const LabelFolder crf(y_crf), ret(y_ret);
  refuse_kept_masks(crf);
  refuse_inputs(o, dataset, {y_crf, y_ret});
  crf.require(dataset, images);
  ret.require(dataset, images);
  for (const LabelFolder* folder : {&crf, &ret}) warn_of_other_classes(*folder, dataset);
  const Digest inputs = digest_of_inputs(
      dataset, o.split, {digest_of_folder(crf, dataset, images), digest_of_folder(ret, dataset, images)});
  int64_t all = 0;
  RenumberedFiles colours(dataset.class_names);
  for (const auto& [rule, name] : {std::pair{Disagreement::wrong, "wrong"},
                                   {Disagreement::background, "background"},
                                   {Disagreement::ignored, "ignored"}}) {
    const auto agreed = [&, rule = rule](const ImageEntry& image, int64_t) {
      RenumberedFiles* watch = rule == Disagreement::wrong ? &colours : nullptr;  // the first pass sees all files
      return agreement(crf.read(image, watch), ret.read(image, watch), rule);
    };
    const Evaluation e =
        evaluate_split(dataset, o.split, agreed, abstention_of(rule), fmt::format("disagreement {}", name),
                       resolve_threads(options.threads), {.boxes = false});
    if (rule == Disagreement::wrong) all = e.confusion.total();
    const double share = all > 0 ? 100.0 * static_cast<double>(e.confusion.total()) / static_cast<double>(all) : 100.0;
    std::printf("Where Y_crf and Y_ret disagree: %s (%.2f %% of the labelled pixels are counted)\n", name, share);
    report_result(o, key + "_" + name, dataset, e, inputs, {{"counted_percent", share}});
  }
  warn_of(colours);
  return 0;
}

}  // namespace boxseg
