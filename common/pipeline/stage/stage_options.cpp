#include "common/pipeline/stage/stage_options.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/sections.h"

namespace boxseg {
namespace {

constexpr const char* kPrecisionHelp =
    "on a GPU: exact (float32, the same bytes in every run) or fast (bfloat16 convolutions); a CPU is always exact";
constexpr const char* kSkipHelp = "what to do with a damaged image: fail, or skip (recorded in the manifest)";

}  // namespace

void NetworkAndTrainingOptions::declare(Options& o) {
  o.add_choice("backbone", &backbone, {"vgg16", "resnet101", "efficientnet_lite0", "tiny"},
               "network up to the features");
  o.add_choice("head", &head, {"plain", "largefov", "aspp"}, "what follows the backbone");
  o.add("output-stride", &output_stride, "input pixels per feature cell, 0 for the backbone's usual one");
  o.add("classifier-std", &classifier_std, "standard deviation of the classifier's initial weights");
  o.add("freeze-backbone", &freeze_backbone, "train only the layers that the initial weights lack");
  o.add("freeze-bn", &freeze_bn, "keep batch norm statistics and parameters as they are");
  o.add("batch", &batch, "images per step");
  o.add("micro-batch", &micro_batch, "images per forward pass, 0 for all; bounds memory");
  o.add("iterations", &iterations, "training steps");
  o.add("epochs", &epochs, "passes over the images, where that is more steps than --iterations; 0: these alone");
  o.add("learning-rate", &learning_rate, "of pretrained weights; new layers learn 10 times as fast");
  o.add("momentum", &momentum, "of SGD");
  o.add("weight-decay", &weight_decay, "of weights, not of biases");
  o.add("bias-rate", &bias_rate, "rate of biases, in rates of weights: the authors' 2, the report's 1");
  o.add_choice("schedule", &schedule, {"step", "poly"},
               "of the learning rate: a tenth after each milestone, or (1-t)^0.9");
  o.add("milestones", &milestones, "steps after which the rate falls to a tenth (schedule step)");
  o.add("schedule-every", &schedule_every, "steps after which the rate follows its curve (schedule poly)");
  AugmentOptions::declare(o);
  o.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"}, kSkipHelp);
  o.add_choice("precision", &precision, {"exact", "fast"}, kPrecisionHelp);
}

void NetworkAndTrainingOptions::check() const {
  require_option(batch >= 1, "batch", batch, "1 or more");
  require_option(micro_batch >= 0 && micro_batch <= batch, "micro-batch", micro_batch,
                 fmt::format("0 to --batch ({})", batch));
  require_option(iterations >= 0, "iterations", iterations, "0 or more");
  require_option(epochs >= 0 && epochs <= 1e6, "epochs", epochs, "0 to 1000000");
  require_option(learning_rate >= 0, "learning-rate", learning_rate, "0 or more");
  require_option(momentum >= 0 && momentum < 1, "momentum", momentum, "at least 0 and less than 1");
  require_option(weight_decay >= 0, "weight-decay", weight_decay, "0 or more");
  require_option(bias_rate >= 0, "bias-rate", bias_rate, "0 or more");
  require_option(schedule_every >= 1, "schedule-every", schedule_every, "1 or more");
  AugmentOptions::check();
  require_option(classifier_std > 0, "classifier-std", classifier_std, "more than 0");
}

int64_t NetworkAndTrainingOptions::steps_for(int64_t images) const {
  const double passes = std::ceil(epochs * static_cast<double>(images) / static_cast<double>(batch));
  return std::max(iterations, static_cast<int64_t>(passes));
}

void Stage1Options::declare(Options& o) {
  NetworkAndTrainingOptions::declare(o);
  o.add_choice("pooling", &pooling, {"bap", "gap"}, "background-aware or plain average pooling");
  o.add("grid", &grid, "the background is summarised in GRID x GRID cells");
  o.add("roi", &roi, "each box is pooled to ROI x ROI vectors");
  DatasetFlags::declare(o, "images to train on");
  o.add("init", &init, "initial weights of the backbone; none: random", Role::input);
  o.add("output", &output, "folder of classifier.pt", Role::output);
}

void Stage1Options::check() const {
  NetworkAndTrainingOptions::check();
  require_option(grid >= 1 && grid <= 64, "grid", grid, "1 to 64");
  require_option(roi >= 1 && roi <= 16, "roi", roi, "1 to 16");
  require_option(head == "plain", "head", head, "plain (a head belongs to stage 3)");
  require_given(dataset, "dataset");
  require_given(output, "output");
}

ProgramInfo stage1_info() {
  return reads_presets(
      {"stage1_classify", "Trains the box classifier with background-aware pooling.",
       "stage1_classify --dataset runs/demo/dataset.h5 --split train --config data/presets/demo.ini --output "
       "/tmp/stage1",
       "stage1", kStage1Fingerprint});
}

void Stage2Options::declare(Options& o) {
  o.add_choice("background", &background, {"u0", "u_b", "u_b_paper"},
               "background unary: attention, or the CAM of class 0 as the report's code or the paper has it");
  o.add("threshold", &threshold, "attention below this share of its maximum becomes 0");
  o.add("grid", &grid, "the background is summarised in GRID x GRID cells");
  crf.declare(o);
  o.add_choice("box-convention", &box_convention, {"reference", "exact"},
               "pixels of a box: the authors' rounding, or exactly the annotated ones");
  o.add("class-map", &class_map, "CLASSIFIER=DATASET,...; cat=pet cat: the dataset's pet cat is the classifier's cat");
  o.add_choice("unknown-foreground", &unknown_foreground, {"attention", "box"},
               "score of classes that the classifier does not know");
  o.add("instances", &instances,
        "also write COCO results, instances.json: per_box (a scored mask for each box) or per_class (one for each "
        "class)");
  o.add_choice("true-masks", &true_masks, {"ignore", "keep"},
               "images whose true mask the dataset has: label them as the others, or keep it as Y_crf and Y_ret");
  o.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"}, kSkipHelp);
  o.add_choice("precision", &precision, {"exact", "fast"}, kPrecisionHelp);
  DatasetFlags::declare(o, "images to label");
  o.add("checkpoint", &checkpoint, "classifier.pt of stage 1, or a bare one of the authors", Role::input);
  o.add("from-attention", &from_attention, "folder of attention shards: make Y_crf again without the network",
        Role::input);
  o.add("given-masks", &given_masks,
        "masks of another tool, as `prepare labels --masks` keeps them: Y_crf of their images", Role::input);
  o.add("shard", &shard, "label only part I of N, counted from 0: I/N", Role::run);
  o.add("output", &output, "folder of Y_crf, Y_ret and attention", Role::output);
}

void Stage2Options::check() const {
  require_option(threshold >= 0 && threshold <= 1, "threshold", threshold, "0 to 1");
  require_option(grid >= 1 && grid <= 64, "grid", grid, "1 to 64");
  require_option(instances.empty() || instances == "per_box" || instances == "per_class", "instances", instances,
                 "per_box or per_class");
  crf.chosen();
  require_given(dataset, "dataset");
  require_given(output, "output");
  if (from_attention.empty()) require_given(checkpoint, "checkpoint");
}

ProgramInfo stage2_info() {
  return reads_presets({"stage2_pseudolabel",
                        "Makes pseudo labels Y_crf and Y_ret from images, boxes and a trained classifier; the command "
                        "`merge` joins what several runs with --shard made.",
                        "stage2_pseudolabel --dataset runs/demo/dataset.h5 --split val --checkpoint "
                        "runs/demo/stage1/bap/classifier.pt --config data/presets/demo.ini --output /tmp/labels",
                        "stage2", kStage2Fingerprint});
}

bool keeps_true_masks(const Manifest& stage2) {
  const auto option = stage2.options.find("true-masks");
  return option != stage2.options.end() && option->second == "keep";
}

Stage3Options::Stage3Options() : DatasetFlags("train") {
  head = "largefov";
  schedule = "poly";
  iterations = 23805;
}

void Stage3Options::declare(Options& o) {
  NetworkAndTrainingOptions::declare(o);
  o.add_choice("loss", &loss, {"nal", "ce_crf", "ce_ret", "baseline", "entropy", "bootstrap", "true_masks"},
               "what the network learns from");
  o.add_choice("loss-form", &loss_form, {"equation", "report_code"},
               "nal, entropy and bootstrap as their equations, or as the report's code has them");
  o.add("temperature", &temperature, "T: logits are T times the cosine scores");
  o.add("lambda", &lambda, "weight of the loss over unreliable pixels");
  o.add("gamma", &gamma, "damping of the confidence");
  o.add("beta", &beta, "bootstrap: share of Y_crf in the target of unreliable pixels");
  o.add("detach-confidence", &detach_confidence, "no gradient through the confidence");
  o.add("detach-classifier", &detach_classifier, "no gradient through the confidence into the classifier's weights");
  o.add("align-corners", &align_corners, "how scores are interpolated to pixels; the checkpoint remembers it");
  o.add("label-padding", &label_padding, "label of what lies outside the image: 255 (ignored), or a class");
  DatasetFlags::declare(o, "images to train on");
  o.add("labels", &labels, "folder of stage 2 with Y_crf and Y_ret (not for true_masks)", Role::input);
  o.add("init", &init, "initial weights of the backbone; none: random", Role::input);
  o.add("output", &output, "folder of segmenter.pt", Role::output);
}

void Stage3Options::check() const {
  NetworkAndTrainingOptions::check();
  require_option(temperature > 0, "temperature", temperature, "more than 0");
  require_option(lambda >= 0, "lambda", lambda, "0 or more");
  require_option(gamma >= 0, "gamma", gamma, "0 or more");
  require_option(label_padding >= 0 && label_padding <= 255, "label-padding", label_padding, "0 to 255");
  if (loss_form == "report_code" && micro_batch > 0)
    fail_usage("--loss-form report_code: needs the whole batch at once; leave --micro-batch out");
  require_option(beta >= 0 && beta <= 1, "beta", beta, "0 to 1");
  require_given(dataset, "dataset");
  require_given(output, "output");
  if (loss != "true_masks")
    require_given(labels, "labels");
  else if (!labels.empty())
    fail_usage("--labels {}: the loss true_masks learns from the dataset's masks; leave --labels out", labels);
}

ProgramInfo stage3_train_info() {
  return reads_presets(
      {"stage3_segment train", "Trains a segmentation network from pseudo labels.",
       "stage3_segment train --dataset runs/demo/dataset.h5 --split train --labels runs/demo/stage2/bap/train "
       "--config data/presets/demo.ini --output /tmp/stage3",
       "stage3", kStage3Fingerprint});
}

void PredictOptions::declare(Options& o) {
  o.add("scales", &scales, "image scales whose scores are averaged");
  o.add("flip", &flip, "also average over horizontal flips");
  o.add("tta", &tta, "test-time augmentation of the authors: scales 0.5,0.75,1,1.5 and flips");
  o.add("crf", &crf, "refine with a dense CRF");
  crf_flags.declare(o);
  o.add_choice("crf-image", &crf_image, {"image", "reference"},
               "colours for the CRF: the image's, or mean-subtracted BGR wrapped to 8 bits as published code has them");
  o.add("longest-side", &longest_side,
        "pixels; a photograph with a longer side is made smaller, and its labels as large as it is; 0: as it is");
  o.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"}, kSkipHelp);
  o.add_choice("precision", &precision, {"exact", "fast"}, kPrecisionHelp);
  DatasetFlags::declare(o, "images of the dataset to segment");
  o.add("images", &images, "folder of images to segment, instead of a dataset", Role::input);
  o.add("checkpoint", &checkpoint, "segmenter.pt of stage 3", Role::input);
  o.add("output", &output, "folder of the label PNGs", Role::output);
}

void PredictOptions::check() const {
  if (scales.empty()) fail_usage("--scales: expected at least one number");
  for (const double s : scales) require_option(s > 0 && s <= 8, "scales", s, "numbers above 0, at most 8");
  crf_flags.chosen();
  require_option(longest_side == 0 || longest_side >= 64, "longest-side", longest_side, "0, or 64 and more");
  require_given(checkpoint, "checkpoint");
  require_given(output, "output");
  if (dataset.empty() == images.empty()) fail_usage("one of --dataset and --images is needed, and not both");
}

ProgramInfo stage3_predict_info() {
  return reads_presets(
      {"stage3_segment predict", "Segments the images of a dataset or of any folder with a trained network.",
       "stage3_segment predict --checkpoint runs/demo/stage3/nal/segmenter.pt --images photos --output masks",
       "predict", kPredictFingerprint});
}

}  // namespace boxseg
