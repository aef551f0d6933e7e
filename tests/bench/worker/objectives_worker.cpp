// Runs the objectives of stages 1 and 3 on given features, forward and backward.

#include "common/ops/tensor_runtime.h"
#include "stage1_classify/labeler.h"
#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/losses.h"
#include "tests/bench/worker/serve.h"
#include "tests/bench/worker/tensors.h"
#include "tests/stage1/golden_batch.h"

namespace boxseg::bench {
namespace {

// Holds what a round differentiates by, anew in each, and what it found.
struct Leaves {
  at::Tensor features, weight, loss;
};

void race(const Arguments& arguments, const std::function<at::Tensor(const Leaves&)>& loss_of) {
  start_tensor_runtime(std::stoi(arguments[2]));
  const H5Reader input(arguments[0]);
  const at::Tensor features = read_tensor<float>(input, "in/features"), weight = read_tensor<float>(input, "in/weight");
  Leaves leaves;
  serve([&] {
    leaves = {};
    leaves.features = features.detach().requires_grad_();
    leaves.weight = weight.detach().requires_grad_();
    leaves.loss = loss_of(leaves);
    leaves.loss.backward();
  });
  H5Writer output(arguments[1]);
  write_tensor(output, "loss", leaves.loss);
  write_tensor(output, "features_gradient", leaves.features.grad());
  write_tensor(output, "weight_gradient", leaves.weight.grad());
  output.close_and_commit();
}

void run_bap(const Arguments& arguments) {
  const test::GoldenBatch batch = test::read_batch(H5Reader(arguments[0]), "in");
  race(arguments, [&](const Leaves& leaves) {
    const int64_t h = leaves.features.size(2), w = leaves.features.size(3);
    const auto plan =
        std::make_shared<const BapPlan>(make_bap_plan(batch.images, batch.mask_size, h, w, 4, 2, Pooling::bap));
    return label_batch(leaves.features, leaves.weight, plan).loss;
  });
}

void run_nal(const Arguments& arguments) {
  const H5Reader input(arguments[0]);
  const LossLabels labels{read_tensor<uint8_t>(input, "in/mask_crf"), read_tensor<uint8_t>(input, "in/mask_ret")};
  race(arguments, [&](const Leaves& leaves) {
    return segmentation_loss(cosine_scores(leaves.features, leaves.weight), labels, LossOptions());
  });
}

const Verb bap("bap", "INPUT OUTPUT THREADS", 3, run_bap);
const Verb nal("nal", "INPUT OUTPUT THREADS", 3, run_nal);

}  // namespace
}  // namespace boxseg::bench
