// Runs EfficientNet-Lite0's trunk forward, as stages 2 and 3 and a frozen backbone call it.
#include <c10/core/InferenceMode.h>

#include "common/networks/efficientnet_lite0.h"
#include "common/ops/tensor_runtime.h"
#include "tests/bench/worker/serve.h"
#include "tests/bench/worker/tensors.h"

namespace boxseg::bench {
namespace {

void run(const Arguments& arguments) {
  start_tensor_runtime(std::stoi(arguments[3]));
  const at::Tensor images = read_tensor<float>(H5Reader(arguments[0]), "images");
  EfficientNetLite0 network(NetworkSpec{.output_stride = 16}, {.seed = 0});
  load_initial_weights(network, arguments[1]);
  const c10::InferenceMode inference;
  at::Tensor features;
  serve([&] { features = network.trunk(images, Pass()); });
  H5Writer output(arguments[2]);
  write_tensor(output, "features", features);
  output.close_and_commit();
}

const Verb verb("lite0", "IMAGES WEIGHTS OUTPUT THREADS", 4, run);

}  // namespace
}  // namespace boxseg::bench
