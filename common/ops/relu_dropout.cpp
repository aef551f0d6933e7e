#include "common/ops/relu_dropout.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/ops/device_path.h"
#include "common/ops/torch_pool.h"
#include "common/ops/transfer.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Returns [N,C,1,1] of 0 and 2, on the device and in the type of x.
at::Tensor draw_factors(const at::Tensor& x, const std::string& layer, const Pass& pass) {
  const int64_t images = x.size(0), channels = x.size(1);
  ensure(static_cast<int64_t>(pass.image_keys.size()) == images,
         "dropout of {}: {} image keys for a batch of {} images", layer, pass.image_keys.size(), images);
  const std::string purpose = "dropout:" + layer;
  const at::Tensor factors = empty_for_upload({images, channels, 1, 1}, at::kFloat, x.device());
  float* out = factors.mutable_data_ptr<float>();
  for (int64_t n = 0; n < images; ++n) {
    Random random(pass.seed, purpose, pass.step, pass.image_keys[static_cast<size_t>(n)]);
    for (int64_t c = 0; c < channels; ++c) out[n * channels + c] = (random.bits() >> 31) != 0 ? 2.0f : 0.0f;
  }
  return upload(factors, x.device()).to(x.scalar_type());
}

constexpr int64_t kPlanes = 16;  // planes in one piece of work

bool is_plain(const at::Tensor& x) { return !takes_device_path(x) && x.is_contiguous(); }

// Sets `to` to 0 where the mask is not above zero, else to `from` times its plane's factor; what is not a number is
// passed on. All are plain maps [N,C,h,w], factors [N,C,1,1]; `to` may be one of the others.
void mask_and_scale(const at::Tensor& mask, const at::Tensor& from, const at::Tensor& factors, const at::Tensor& to) {
  const int64_t area = mask.size(2) * mask.size(3);
  AT_DISPATCH_FLOATING_TYPES(mask.scalar_type(), "relu_dropout2d", [&] {
    const auto *m = mask.const_data_ptr<scalar_t>(), *f = from.const_data_ptr<scalar_t>();
    const auto* by = factors.const_data_ptr<scalar_t>();
    auto* out = to.mutable_data_ptr<scalar_t>();
    for_ranges_in_torch_pool(factors.numel(), kPlanes, [&](int64_t first, int64_t end) {
      for (int64_t p = first; p < end; ++p)
        for (int64_t i = p * area; i < (p + 1) * area; ++i) out[i] = m[i] <= 0 ? scalar_t(0) : f[i] * by[p];
    });
  });
}

// One node does both, so that neither keeps an output of its own: where the product is zero, so is the gradient.
struct ReluDropout : torch::autograd::Function<ReluDropout> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& factors) {
    if (is_plain(x))
      mask_and_scale(x, x, factors, x);
    else
      x.relu_().mul_(factors);
    context->mark_dirty({x});
    context->save_for_backward({x, factors});
    return x;
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &factors = saved[1], grad = from[0].contiguous();
    if (!is_plain(x)) return {at::threshold_backward(grad, x, 0).mul_(factors), at::Tensor()};
    const at::Tensor of_x = at::empty_like(grad);
    mask_and_scale(x, grad, factors, of_x);
    return {of_x, at::Tensor()};
  }
};

}  // namespace

at::Tensor relu_dropout2d(const at::Tensor& x, const std::string& layer, const Pass& pass) {
  if (!pass.is_training) return x.relu_();
  return ReluDropout::apply(x, draw_factors(x, layer, pass));
}

}  // namespace boxseg
