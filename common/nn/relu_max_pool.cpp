#include "common/nn/relu_max_pool.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/base/error.h"
#include "common/nn/pool_planes.h"
#include "common/nn/torch_pool.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kPlanes = 8;  // of one piece of work

struct ReluMaxPool : torch::autograd::Function<ReluMaxPool> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given, int64_t stride) {
    const at::Tensor x = given.contiguous();
    const PoolSize size{x.size(2), x.size(3), stride};
    const at::Tensor out = at::empty({x.size(0), x.size(1), size.out_h(), size.out_w()}, x.options());
    const at::Tensor codes = at::empty(out.sizes(), x.options().dtype(at::kByte));
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "relu_max_pool", [&] {
      for_ranges_in_torch_pool(x.size(0) * x.size(1), kPlanes, [&](int64_t first, int64_t end) {
        max_pool_planes(size, end - first, x.const_data_ptr<scalar_t>() + first * size.area(),
                        out.mutable_data_ptr<scalar_t>() + first * size.out_area(),
                        codes.mutable_data_ptr<uint8_t>() + first * size.out_area());
      });
    });
    context->save_for_backward({codes});
    context->saved_data["size"] = std::vector<int64_t>{size.h, size.w, stride};
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const at::Tensor codes = context->get_saved_variables()[0], grad_out = from[0].contiguous();
    const std::vector<int64_t> s = context->saved_data["size"].toIntVector();
    const PoolSize size{s[0], s[1], s[2]};
    const at::Tensor grad_in = at::empty({codes.size(0), codes.size(1), size.h, size.w}, grad_out.options());
    AT_DISPATCH_FLOATING_TYPES(grad_out.scalar_type(), "relu_max_pool_backward", [&] {
      for_ranges_in_torch_pool(codes.size(0) * codes.size(1), kPlanes, [&](int64_t first, int64_t end) {
        max_unpool_planes(size, end - first, grad_out.const_data_ptr<scalar_t>() + first * size.out_area(),
                          codes.const_data_ptr<uint8_t>() + first * size.out_area(),
                          grad_in.mutable_data_ptr<scalar_t>() + first * size.area());
      });
    });
    return {grad_in, at::Tensor()};
  }
};

}  // namespace

at::Tensor relu_max_pool(const at::Tensor& x, int64_t stride) {
  ensure(x.dim() == 4 && (stride == 1 || stride == 2), "relu_max_pool: {} dimensions, stride {}", x.dim(), stride);
  if (x.is_cpu()) return ReluMaxPool::apply(x, stride);
  return at::max_pool2d(at::relu(x), {3, 3}, {stride, stride}, {1, 1});
}

}  // namespace boxseg
