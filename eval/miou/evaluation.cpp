#include "eval/miou/evaluation.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cmath>
#include <mutex>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/runtime/parallel.h"
#include "eval/csv_text.h"
#include "eval/miou/box_iou.h"

namespace boxseg {
namespace {

nlohmann::json number(double value) { return std::isnan(value) ? nlohmann::json() : nlohmann::json(value); }

std::string percent(double value) { return std::isnan(value) ? "-" : fmt::format("{:.2f}", value); }

bool holds_class(const LabelMap& truth) {
  return std::any_of(truth.pixels.begin(), truth.pixels.end(), [](uint8_t v) { return v != 0 && v != kVoid; });
}

// Refuses a truth without any object: masks of 0 and 255 mean background and void here, whatever their maker meant.
[[noreturn]] void refuse_empty_truth(const Dataset& dataset, const std::string& split,
                                     const std::vector<int64_t>& images) {
  fail_input(
      "dataset '{}': the {} masks of split '{}' hold no class but background (and 255, void), although their images "
      "have boxes: a prediction of nothing would be perfect. The first is {}: write each class as its number, 1 is "
      "'{}'; `prepare show FILE` lists the values of a mask",
      dataset.name, images.size(), split, dataset.mask_path(dataset.images[static_cast<size_t>(images[0])]).string(),
      dataset.class_names[1]);
}

}  // namespace

std::vector<int64_t> labelled_images(const Dataset& dataset, const std::string& split) {
  std::vector<int64_t> labelled;
  const auto& all = dataset.split(split);
  for (const int64_t i : all)
    if (!dataset.images[static_cast<size_t>(i)].mask_path.empty()) labelled.push_back(i);
  if (labelled.empty())
    fail_input(
        "dataset '{}': none of the {} images of split '{}' has a ground-truth mask, so there is nothing to compare "
        "with",
        dataset.name, all.size(), split);
  return labelled;
}

Evaluation evaluate_split(const Dataset& dataset, const std::string& split, const PredictionSource& prediction,
                          Abstention abstention, const std::string& what, int threads, const Measures& measures) {
  const std::vector<int64_t> images = labelled_images(dataset, split);
  Evaluation result{Confusion(dataset.classes()), static_cast<int64_t>(images.size()),
                    static_cast<int64_t>(dataset.split(split).size() - images.size())};
  Progress progress(what, result.images);
  std::mutex mutex;
  std::atomic<bool> truth_has_class = false;
  RenumberedFiles colours_of_truth(dataset.class_names);
  std::vector<std::vector<double>> box_ious_of(images.size()), boundary_f_of(images.size());
  parallel_for(result.images, 1, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      throw_if_interrupted();
      const int64_t index = images[static_cast<size_t>(i)];
      const ImageEntry& image = dataset.images[static_cast<size_t>(index)];
      Confusion one(dataset.classes());
      const LabelMap truth = read_truth(dataset, image);
      if (!truth_has_class && holds_class(truth)) truth_has_class = true;
      colours_of_truth.look_at(dataset.mask_path(image), truth);
      const LabelMap predicted = prediction(image, index);
      one.add(truth, predicted, abstention, dataset.mask_path(image).string(),
              fmt::format("{} of image '{}'", what, image.id));
      const auto place = static_cast<size_t>(i);
      if (measures.boxes) box_ious_of[place] = box_ious(truth, predicted, image, dataset.box_numbers);
      if (measures.boundary) boundary_f_of[place] = boundary_f(truth, predicted, dataset.classes());
      const std::lock_guard lock(mutex);
      result.confusion.add(one);
      progress.advance();
    }
  });
  // Threads finish in any order, and sums of doubles would follow it.
  for (const auto& ious : box_ious_of) result.box_ious.insert(result.box_ious.end(), ious.begin(), ious.end());
  if (measures.boundary) {
    result.contours.emplace(dataset.classes());
    for (const auto& f : boundary_f_of) result.contours->add(f);
  }
  if (const std::string doubt = colours_of_truth.doubt(); !doubt.empty()) log_warning("ground truth: {}", doubt);
  const auto has_boxes = [&](int64_t i) { return !dataset.images[static_cast<size_t>(i)].boxes.empty(); };
  if (!truth_has_class && std::any_of(images.begin(), images.end(), has_boxes))
    refuse_empty_truth(dataset, split, images);
  return result;
}

Metrics metrics_of(const Evaluation& evaluation, const std::vector<std::string>& class_names) {
  const SegmentationScores s = evaluation.confusion.scores();
  Metrics m;
  m["miou"] = number(s.miou);
  m["miou_of_true_classes"] = number(s.miou_of_true_classes);
  m["fwiou"] = number(s.fwiou);
  m["macc"] = number(s.macc);
  m["pacc"] = number(s.pacc);
  for (size_t c = 0; c < s.iou.size(); ++c) {
    m["per_class/" + class_names.at(c)] = number(s.iou[c]);
    m["per_class_accuracy/" + class_names.at(c)] = number(s.accuracy[c]);
  }
  if (!evaluation.box_ious.empty()) {
    const BoxScores boxes = scores_of_boxes(evaluation.box_ious);
    m["box_iou"] = boxes.mean_iou;
    m["box_iou_over_80"] = boxes.over_80;
    m["boxes"] = evaluation.box_ious.size();
  }
  if (evaluation.contours) {
    m["boundary_f"] = number(evaluation.contours->mean());
    const auto f = evaluation.contours->per_class();
    for (size_t c = 0; c < f.size(); ++c) m["per_class_boundary_f/" + class_names.at(c)] = number(f[c]);
  }
  m["images"] = evaluation.images;
  m["unlabelled"] = evaluation.unlabelled;
  return m;
}

std::string table_of(const Evaluation& evaluation, const std::vector<std::string>& class_names) {
  const SegmentationScores s = evaluation.confusion.scores();
  size_t width = 5;
  for (const auto& name : class_names) width = std::max(width, name.size());
  std::string text = fmt::format("{:<{}}  {:>8}  {:>8}\n", "class", width, "IoU", "accuracy");
  for (size_t c = 0; c < s.iou.size(); ++c)
    text += fmt::format("{:<{}}  {:>8}  {:>8}\n", class_names.at(c), width, percent(s.iou[c]), percent(s.accuracy[c]));
  text += fmt::format("mIoU {}  pixel accuracy {}  mean accuracy {}  frequency-weighted IoU {}\n", percent(s.miou),
                      percent(s.pacc), percent(s.macc), percent(s.fwiou));
  if (!s.only_predicted.empty()) {
    std::vector<std::string> names;
    for (const int64_t c : s.only_predicted) names.push_back(class_names.at(static_cast<size_t>(c)));
    text +=
        fmt::format("predicted, though the ground truth holds none, so each counts as 0: {}; without them mIoU {}\n",
                    join(names, ", "), percent(s.miou_of_true_classes));
  }
  if (!evaluation.box_ious.empty()) {
    const BoxScores boxes = scores_of_boxes(evaluation.box_ious);
    text += fmt::format("box IoU {}  over 80 in {} % of {} boxes\n", percent(boxes.mean_iou), percent(boxes.over_80),
                        evaluation.box_ious.size());
  }
  if (evaluation.contours) text += fmt::format("boundary F {}\n", percent(evaluation.contours->mean()));
  text += fmt::format("{} images", evaluation.images);
  if (evaluation.unlabelled > 0) text += fmt::format(", {} skipped: no ground truth", evaluation.unlabelled);
  return text + "\n";
}

std::string confusion_csv(const Confusion& confusion, const std::vector<std::string>& class_names) {
  std::string text = "\"true class\"";
  for (const auto& name : class_names) text += "," + csv_quoted(name);
  text += ",\"no class\"\n";
  for (int64_t t = 0; t < confusion.classes(); ++t) {
    text += csv_quoted(class_names.at(static_cast<size_t>(t)));
    for (int64_t p = 0; p <= confusion.classes(); ++p) text += fmt::format(",{}", confusion.count(t, p));
    text += "\n";
  }
  return text;
}

std::string key_of_folder(const std::filesystem::path& folder) {
  std::vector<std::string> words;
  for (const auto& part : std::filesystem::absolute(folder).lexically_normal())
    if (!part.empty()) words.push_back(part.string());
  const size_t n = words.size();
  std::string last = n > 0 ? words[n - 1] : "";
  if (n >= 4 && words[n - 4] == "stage2" && (last == "Y_crf" || last == "Y_ret")) {
    std::transform(last.begin(), last.end(), last.begin(), [](unsigned char c) { return std::tolower(c); });
    return fmt::format("stage2/{}/{}/{}", words[n - 3], words[n - 2], last);
  }
  if (n >= 5 && words[n - 5] == "stage3" && words[n - 3] == "predictions")
    return fmt::format("stage3/{}/{}/{}", words[n - 4], words[n - 2], last);
  return "";
}

}  // namespace boxseg
