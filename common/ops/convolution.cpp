#include "common/ops/convolution.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/winograd/winograd.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor forward_pass(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        const ConvolutionGeometry& g) {
  return at::conv2d(x, weight, bias, {g.stride, g.stride}, {g.padding, g.padding}, {g.dilation, g.dilation}, g.groups);
}

// Each holds an entry for x, the weight and the bias, in this order. A gradient that is not wanted stays undefined.
using Gradients = std::array<at::Tensor, 3>;
using Wanted = std::array<bool, 3>;

// Where `mask` is defined, the gradient of x is 0 wherever it is not above zero.
Gradients gradients_by_winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& from, int64_t dilation,
                                const Wanted& wanted, const at::Tensor& mask) {
  RECORD_FUNCTION("boxseg::convolution_backward", c10::ArrayRef<const c10::IValue>{});
  const at::Tensor grad = from.contiguous();
  Gradients to;
  if (wanted[0]) to[0] = winograd_input_gradient(weight.contiguous(), grad, dilation, mask);
  if (wanted[1]) to[1] = winograd_weight_gradient(x, grad, dilation);
  if (wanted[2]) to[2] = grad.sum({0, 2, 3});
  return to;
}

Gradients gradients_by_torch(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& grad,
                             const ConvolutionGeometry& g, const Wanted& wanted, const at::Tensor& mask) {
  auto [of_x, of_weight, of_bias] =
      at::convolution_backward(grad, x, weight, at::IntArrayRef{weight.size(0)}, {g.stride, g.stride},
                               {g.padding, g.padding}, {g.dilation, g.dilation}, false, {0, 0}, g.groups, wanted);
  if (wanted[0] && mask.defined()) at::threshold_backward_out(of_x, of_x, mask, 0);
  return {of_x, of_weight, of_bias};
}

struct Convolution : torch::autograd::Function<Convolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given, const at::Tensor& weight,
                            const at::Tensor& bias, const ConvolutionGeometry& g, bool rectifies, bool has_winograd) {
    const at::Tensor x = given.contiguous();
    if (rectifies) x.relu_();
    context->save_for_backward({x, weight});
    context->saved_data["geometry"] = std::vector<int64_t>{g.stride, g.padding, g.dilation, g.groups};
    context->saved_data["rectifies"] = rectifies;
    context->saved_data["has_winograd"] = has_winograd;
    return forward_pass(x, weight, bias, g);
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &grad = from[0];
    const std::vector<int64_t> g = context->saved_data["geometry"].toIntVector();
    const at::Tensor mask = context->saved_data["rectifies"].toBool() ? x : at::Tensor();
    const Wanted wanted{context->needs_input_grad(0), context->needs_input_grad(1), context->needs_input_grad(2)};
    const auto [of_x, of_weight, of_bias] =
        context->saved_data["has_winograd"].toBool()
            ? gradients_by_winograd(x, weight, grad, g[2], wanted, mask)
            : gradients_by_torch(x, weight, grad, {g[0], g[1], g[2], g[3]}, wanted, mask);
    return {of_x, of_weight, of_bias, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const ConvolutionGeometry& geometry, Before before) {
  ensure(x.dim() == 4 && x.size(1) == weight.size(1) * geometry.groups,
         "convolution: input of {} dimensions, weight of {} channels", x.dim(), weight.size(1));
  const bool rectifies = before == Before::relu;
  const bool learns_on_cpu = at::GradMode::is_enabled() && !takes_device_path(x);
  const bool has_winograd = learns_on_cpu && suits_winograd(x, weight, geometry);
  if (!has_winograd && !(learns_on_cpu && rectifies))
    return forward_pass(rectifies ? x.relu_() : x, weight, bias, geometry);
  // Autograd's functions take tensors that exist, so zeros that want no gradient stand for a missing bias.
  const at::Tensor given_bias = bias.defined() ? bias : at::zeros({weight.size(0)}, weight.options());
  return Convolution::apply(x, weight, given_bias, geometry, rectifies, has_winograd);
}

}  // namespace boxseg
