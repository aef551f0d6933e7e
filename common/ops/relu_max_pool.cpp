#include "common/ops/relu_max_pool.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/base/error.h"
#include "common/ops/cuda/launch.h"
#include "common/ops/device_path.h"
#include "common/ops/pool_planes.h"
#include "common/ops/torch_pool.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kPlanes = 8;  // planes in one piece of work

template <class T>
void pool(const PoolSize& size, int64_t planes, const at::Tensor& in, const at::Tensor& out, const at::Tensor& codes) {
  const T* from = in.const_data_ptr<T>();
  T* to = out.mutable_data_ptr<T>();
  auto* of = codes.mutable_data_ptr<uint8_t>();
  if (takes_device_path(in)) return launches::max_pool(queue_of(in), size, planes, from, to, of);
  for_ranges_in_torch_pool(planes, kPlanes, [&](int64_t first, int64_t end) {
    max_pool_planes(size, end - first, from + first * size.area(), to + first * size.out_area(),
                    of + first * size.out_area());
  });
}

template <class T>
void unpool(const PoolSize& size, int64_t planes, const at::Tensor& grad_out, const at::Tensor& codes,
            const at::Tensor& grad_in) {
  const T* from = grad_out.const_data_ptr<T>();
  const auto* of = codes.const_data_ptr<uint8_t>();
  T* to = grad_in.mutable_data_ptr<T>();
  if (takes_device_path(grad_out)) return launches::max_unpool(queue_of(grad_out), size, planes, from, of, to);
  for_ranges_in_torch_pool(planes, kPlanes, [&](int64_t first, int64_t end) {
    max_unpool_planes(size, end - first, from + first * size.out_area(), of + first * size.out_area(),
                      to + first * size.area());
  });
}

struct ReluMaxPool : torch::autograd::Function<ReluMaxPool> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given, const PoolSize& size) {
    const at::Tensor x = given.contiguous();
    const c10::DeviceGuard guard(x.device());
    const at::Tensor out = at::empty({x.size(0), x.size(1), size.out_h(), size.out_w()}, x.options());
    const at::Tensor codes = at::empty(out.sizes(), x.options().dtype(at::kByte));
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "relu_max_pool",
                               [&] { pool<scalar_t>(size, x.size(0) * x.size(1), x, out, codes); });
    context->save_for_backward({codes});
    context->saved_data["size"] = std::vector<int64_t>{size.h, size.w, size.stride, size.rounds_up};
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const at::Tensor codes = context->get_saved_variables()[0], grad_out = from[0].contiguous();
    const std::vector<int64_t> s = context->saved_data["size"].toIntVector();
    const PoolSize size{s[0], s[1], s[2], s[3] != 0};
    const c10::DeviceGuard guard(codes.device());
    const at::Tensor grad_in = at::empty({codes.size(0), codes.size(1), size.h, size.w}, grad_out.options());
    AT_DISPATCH_FLOATING_TYPES(grad_out.scalar_type(), "relu_max_pool_backward", [&] {
      unpool<scalar_t>(size, codes.size(0) * codes.size(1), grad_out, codes, grad_in);
    });
    return {grad_in, at::Tensor()};
  }
};

at::Tensor pool_of_size(const at::Tensor& x, int64_t stride, bool rounds_up) {
  if (x.scalar_type() != at::kFloat && x.scalar_type() != at::kDouble)
    return at::max_pool2d(at::relu(x), {3, 3}, {stride, stride}, {1, 1}, {1, 1}, rounds_up);
  return ReluMaxPool::apply(x, PoolSize{x.size(2), x.size(3), stride, rounds_up});
}

}  // namespace

at::Tensor relu_max_pool(const at::Tensor& x, int64_t stride) {
  ensure(x.dim() == 4 && (stride == 1 || stride == 2), "relu_max_pool: {} dimensions, stride {}", x.dim(), stride);
  return pool_of_size(x, stride, /*rounds_up=*/false);
}

at::Tensor relu_max_pool_rounded_up(const at::Tensor& x) {
  ensure(x.dim() == 4, "relu_max_pool: {} dimensions, expected 4", x.dim());
  return pool_of_size(x, 2, /*rounds_up=*/true);
}

}  // namespace boxseg
