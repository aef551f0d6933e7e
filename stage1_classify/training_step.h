// Does one step of stage 1: computes the gradients of a batch, in one piece or in parts.
#pragma once
#include <cstdint>
#include <vector>

#include "common/training/trainer.h"
#include "stage1_classify/bap_plan.h"
#include "stage1_classify/training_data.h"

namespace boxseg {

struct StepOptions {
  int64_t grid = 4, roi = 2;
  Pooling pooling = Pooling::bap;
  int64_t micro_batch = 0;  // images per forward pass, 0 for all
};

// Adds the gradients of the batch's loss to the network's parameters. pass.image_keys is set here. With a micro_batch
// the loss is still the mean over the vectors of the whole batch, so gradients differ by rounding only (batch norm that
// is not frozen excepted: its statistics are those of each part). Reports loss, and box_accuracy: the share of box
// vectors whose class scores highest (1 without boxes). dropped_boxes, if given, grows by the number of boxes that no
// sample falls into.
StepReport training_step(Network& network, const std::vector<TrainingSample>& batch, const StepOptions& options,
                         Pass pass, int64_t* dropped_boxes = nullptr);

}  // namespace boxseg
