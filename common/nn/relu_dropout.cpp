#include "common/nn/relu_dropout.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/nn/torch_pool.h"

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

constexpr int64_t kPlanes = 16;  // of one piece of work

// to[i] = 0 where mask[i] is not above zero, else from[i] times its plane's factor; what is not a number is passed on. All are
// maps of equally many planes; `to` may be one of the others.
template <class T>
void mask_and_scale(const T* mask, const T* from, const T* factors, int64_t planes, int64_t area, T* to) {
  for_ranges_in_torch_pool(planes, kPlanes, [&](int64_t first, int64_t end) {
    for (int64_t p = first; p < end; ++p)
      for (int64_t i = p * area; i < (p + 1) * area; ++i) to[i] = mask[i] <= 0 ? T(0) : from[i] * factors[p];
  });
}

at::Tensor masked_and_scaled(const at::Tensor& mask, const at::Tensor& from, const at::Tensor& factors, const at::Tensor& to) {
  AT_DISPATCH_FLOATING_TYPES(mask.scalar_type(), "relu_dropout2d", [&] {
    mask_and_scale(mask.const_data_ptr<scalar_t>(), from.const_data_ptr<scalar_t>(), factors.const_data_ptr<scalar_t>(),
                   factors.numel(), mask.size(2) * mask.size(3), to.mutable_data_ptr<scalar_t>());
  });
  return to;
}

// One node for both, so that neither keeps an output of its own: where the product is zero, so is the gradient.
struct ReluDropout : torch::autograd::Function<ReluDropout> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& factors) {
    if (x.is_cpu() && x.is_contiguous()) masked_and_scaled(x, x, factors, x);
    else x.relu_().mul_(factors);
    context->mark_dirty({x});
    context->save_for_backward({x, factors});
    return x;
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &factors = saved[1], grad = from[0].contiguous();
    if (x.is_cpu() && x.is_contiguous()) return {masked_and_scaled(x, grad, factors, at::empty_like(grad)), at::Tensor()};
    return {at::threshold_backward(grad, x, 0).mul_(factors), at::Tensor()};
  }
};

}  // namespace

at::Tensor relu_dropout2d(const at::Tensor& x, const std::string& layer, const Pass& pass) {
  if (!pass.is_training) return x.relu_();
  return ReluDropout::apply(x, draw_factors(x.size(0), x.size(1), layer, pass).to(x.options()));
}

}  // namespace boxseg
