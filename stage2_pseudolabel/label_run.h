// Labels the images of one shard. Decoding ahead, the network, and the maps, CRF and PNGs of earlier images overlap.
#pragma once
#include <memory>

#include "common/crf/dense_crf.h"
#include "common/data/augment.h"
#include "common/labels/attention_file.h"
#include "common/labels/unary.h"
#include "common/networks/network.h"
#include "common/ops/precision.h"
#include "common/pipeline/stage/stage_options.h"
#include "stage2_pseudolabel/class_weights.h"
#include "stage2_pseudolabel/finished.h"
#include "stage2_pseudolabel/given_masks.h"
#include "stage2_pseudolabel/instances.h"

namespace boxseg {

// This is what labels are made from: a network, or the attention shards of an earlier run (no Y_ret).
struct LabelSource {
  std::unique_ptr<Network> network;
  at::Device device = at::kCPU;
  Precision precision = Precision::exact;
  ClassWeights weights;
  std::unique_ptr<AttentionReader> attention;
  bool knows_all_classes = true;
};

struct LabelPlan {
  UnaryOptions unary;
  CrfOptions crf;
  BoxConvention convention = BoxConvention::reference;
  int64_t grid = 1;
  GivenMasks given;  // to be set by who makes the plan
  bool keeps_true_masks = false;
  bool skips_bad_images = false;
  int threads = 1;
  std::shared_ptr<const InstanceMaker> instances;  // none without --instances
};
// `dataset` must outlive the plan.
LabelPlan make_label_plan(const Stage2Options& options, const LabelSource& source, const Dataset& dataset, int threads);

// Whether Y_crf and Y_ret of an image are its true mask.
bool keeps_true_mask(const LabelPlan& plan, const ImageEntry& image);

// Labels `images` (indices into dataset.images) that `finished` does not hold yet, writes their PNGs below `output`,
// and adds them to `finished`. On SIGTERM or SIGINT the images in progress are ended and an Error of kind interrupted
// is thrown. Throws bad_input for a damaged image unless the plan skips those.
void label_images(const LabelPlan& plan, LabelSource& source, const Dataset& dataset,
                  const std::vector<int64_t>& images, const fs::path& output, const std::string& what,
                  FinishedImages& finished);

}  // namespace boxseg
