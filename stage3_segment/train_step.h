// Does one training step: from a batch to the gradients of all parameters.
#pragma once
#include <cstdint>
#include <string>

#include "common/networks/network.h"
#include "common/pipeline/stage/stage_options.h"
#include "common/training/trainer.h"
#include "stage3_segment/losses.h"
#include "stage3_segment/training_samples.h"

namespace boxseg {

// Returns what --loss and its companions say; how many label maps the loss takes is TrainingLabels' affair.
LossOptions loss_options(const Stage3Options& options);

// Adds the loss's gradient to .grad of the network's parameters and reports the loss, and its terms where it has two.
// The batch may stand on another device than the network. `pass.image_keys` is taken from the batch.
//
// micro_batch > 0: at most that many images go through the network at once, while the loss stays that of the whole
// batch. Its terms are divided by sums over the batch; |S| is known from the labels, but the sum of the confidences
// needs all scores: then a first sweep without graph makes the scores, and a second one, whose dropout masks are the
// same since they are functions of step and image, sends each part's gradient back. Batch norm statistics are those
// of each part (use freeze_bn), and move once.
StepReport train_step(Network& network, const TrainingBatch& batch, const LossOptions& options, const Pass& pass,
                      int64_t micro_batch = 0);

}  // namespace boxseg
