#include "common/nn/relu_dropout.h"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/base/error.h"
#include "common/base/random.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [N,C,1,1] of 0 and 2.
at::Tensor draw_factors(int64_t images, int64_t channels, const std::string& layer, const Pass& pass) {
  ensure(static_cast<int64_t>(pass.image_keys.size()) == images,
         "dropout of {}: {} image keys for a batch of {} images", layer, pass.image_keys.size(), images);
  const std::string purpose = "dropout:" + layer;
  at::Tensor factors = at::empty({images, channels, 1, 1}, at::kFloat);
  float* out = factors.mutable_data_ptr<float>();
  for (int64_t n = 0; n < images; ++n) {
    Random random(pass.seed, purpose, pass.step, pass.image_keys[static_cast<size_t>(n)]);
    for (int64_t c = 0; c < channels; ++c) out[n * channels + c] = (random.bits() >> 31) != 0 ? 2.0f : 0.0f;
  }
  return factors;
}

// One node for both, so that neither keeps an output of its own: where the product is zero, so is the gradient.
struct ReluDropout : torch::autograd::Function<ReluDropout> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& factors) {
    x.relu_().mul_(factors);
    context->mark_dirty({x});
    context->save_for_backward({x, factors});
    return x;
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const variable_list saved = context->get_saved_variables();
    return {at::threshold_backward(from[0], saved[0], 0).mul_(saved[1]), at::Tensor()};
  }
};

}  // namespace

at::Tensor relu_dropout2d(const at::Tensor& x, const std::string& layer, const Pass& pass) {
  if (!pass.is_training) return x.relu_();
  return ReluDropout::apply(x, draw_factors(x.size(0), x.size(1), layer, pass).to(x.options()));
}

}  // namespace boxseg
