#include "common/ops/average_pool.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/torch_pool.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Averages one plane [h,w]. `line` is a row's work space with a zero on either side, [w+2].
template <class T>
void average_plane(const T* in, int64_t h, int64_t w, T* line, T* out) {
  for (int64_t y = 0; y < h; ++y) {
    const T* row = in + y * w;
    std::copy_n(row, w, line + 1);
    if (y > 0)
      for (int64_t x = 0; x < w; ++x) line[x + 1] += row[x - w];
    if (y + 1 < h)
      for (int64_t x = 0; x < w; ++x) line[x + 1] += row[x + w];
    for (int64_t x = 0; x < w; ++x) out[y * w + x] = (line[x] + line[x + 1] + line[x + 2]) / 9;
  }
}

at::Tensor average_planes(const at::Tensor& given) {
  if (takes_device_path(given)) return at::avg_pool2d(given, {3, 3}, {1, 1}, {1, 1});
  const at::Tensor x = given.contiguous(), out = at::empty_like(x);
  const int64_t h = x.size(2), w = x.size(3), planes = x.size(0) * x.size(1);
  constexpr int64_t kPlanes = 64;  // planes in one piece of work
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "average_pool", [&] {
    for_ranges_in_torch_pool(planes, kPlanes, [&](int64_t first, int64_t end) {
      std::vector<scalar_t> line(static_cast<size_t>(w) + 2);
      for (int64_t p = first; p < end; ++p)
        average_plane(x.const_data_ptr<scalar_t>() + p * h * w, h, w, line.data(),
                      out.mutable_data_ptr<scalar_t>() + p * h * w);
    });
  });
  return out;
}

struct AveragePool : torch::autograd::Function<AveragePool> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& x) { return average_planes(x); }
  // Each cell gives as much to its neighbours as it takes from them, so the step is its own adjoint.
  static variable_list backward(AutogradContext*, const variable_list& from) { return {average_planes(from[0])}; }
};

}  // namespace

at::Tensor average_pool(const at::Tensor& x) {
  ensure(x.dim() == 4, "average_pool: {} dimensions, expected 4", x.dim());
  return AveragePool::apply(x);
}

}  // namespace boxseg
