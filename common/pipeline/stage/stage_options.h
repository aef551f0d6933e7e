// The options of each stage, with defaults (the authors' for VOC 2012 and VGG-16). They stand here, without LibTorch,
// because `plan` resolves presets and variants exactly as the stages themselves do.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/options.h"
#include "common/crf/crf_flags.h"
#include "common/data/augment_options.h"
#include "common/io/manifest.h"
#include "common/pipeline/stage/dataset_flags.h"

namespace boxseg {

// What both training stages share.
struct NetworkAndTrainingOptions : AugmentOptions {
  std::string backbone = "vgg16";  // vgg16, resnet101, efficientnet_lite0, tiny
  std::string head = "plain";      // plain; stage 3 of vgg16: largefov, of resnet101: aspp
  int64_t output_stride = 0;       // 0: the backbone's usual one
  double classifier_std = 0.01;
  bool freeze_backbone = false, freeze_bn = false;
  int64_t batch = 20, micro_batch = 0;  // micro_batch 0: the whole batch at once
  int64_t iterations = 8000;
  double epochs = 0;  // passes over the images, where that is more steps than `iterations`
  double learning_rate = 1e-3, momentum = 0.9, weight_decay = 5e-4;
  double bias_rate = 2;           // of biases, in rates of weights
  std::string schedule = "step";  // step, poly
  std::vector<double> milestones = {5000};
  int64_t schedule_every = 1;         // steps between changes of the rate (poly)
  std::string on_bad_image = "fail";  // fail, skip
  std::string precision = "exact";    // exact, fast: common/ops/precision.h
  void declare(Options& options);
  void check() const;  // throws usage
  int64_t steps_for(int64_t images) const;
};

struct Stage1Options : NetworkAndTrainingOptions, DatasetFlags {
  Stage1Options() : DatasetFlags("train") {}
  std::string pooling = "bap";  // bap, gap
  int64_t grid = 4, roi = 2;
  // Paths.
  std::string init, output;
  void declare(Options& options);
  void check() const;
};
ProgramInfo stage1_info();

struct Stage2Options : DatasetFlags {
  Stage2Options() : DatasetFlags("train") {}
  std::string background = "u0";  // u0, u_b, u_b_paper
  double threshold = 0.99;
  int64_t grid = 1;
  CrfFlags crf;
  std::string box_convention = "reference";      // reference, exact
  std::string unknown_foreground = "attention";  // attention, box
  std::string on_bad_image = "fail";
  std::string precision = "exact";
  std::string instances;              // "", per_box, per_class
  std::string true_masks = "ignore";  // ignore, keep
  std::string class_map;              // CLASSIFIER=DATASET,...: names of classes; stage2_pseudolabel/class_names.h
  // Paths.
  std::string checkpoint, output, shard, from_attention, given_masks;
  void declare(Options& options);
  void check() const;
};
ProgramInfo stage2_info();
// Facts of its manifest, where it was asked for either: how many images have a given mask, or keep their true one.
inline constexpr const char *kGivenMasksFact = "given_masks", *kTrueMasksFact = "true_masks";
// Whether the labels of a manifest hold true masks, against which they cannot be measured.
bool keeps_true_masks(const Manifest& stage2);

struct Stage3Options : NetworkAndTrainingOptions, DatasetFlags {
  Stage3Options();                     // poly, 23805 iterations, head largefov
  std::string loss = "nal";            // nal, ce_crf, ce_ret, baseline, entropy, bootstrap, true_masks
  std::string loss_form = "equation";  // equation, report_code
  double temperature = 20, lambda = 0.1, gamma = 7, beta = 0.95;
  bool detach_confidence = false, detach_classifier = false;
  bool align_corners = true;    // of the interpolation from cells to pixels, also when predicting
  int64_t label_padding = 255;  // label of what lies outside the image
  // Paths.
  std::string labels, init, output;
  void declare(Options& options);
  void check() const;
};
ProgramInfo stage3_train_info();

struct PredictOptions : DatasetFlags {
  PredictOptions() : DatasetFlags("val") {}
  bool tta = false, crf = false, flip = false;
  std::vector<double> scales = {1};  // --tta: 0.5, 0.75, 1, 1.5 and flips
  CrfFlags crf_flags{CrfOptions{.bilateral_xy = 121, .bilateral_rgb = 5}};
  std::string crf_image = "image";  // image, reference
  int64_t longest_side = 0;         // pixels; a larger photograph is made smaller for network and CRF
  std::string on_bad_image = "fail";
  std::string precision = "exact";
  // Paths.
  std::string images, checkpoint, output;
  void declare(Options& options);
  void check() const;
};
ProgramInfo stage3_predict_info();

}  // namespace boxseg
