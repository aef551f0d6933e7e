// Does background-aware pooling by LibTorch's products over the whole map and the kernels of cuda/: the device path.
#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "common/ops/device_path.h"
#include "common/ops/gram_maps.h"
#include "stage1_classify/bap_tables.h"
#include "stage1_classify/cuda/launch.h"

namespace boxseg::bap {
namespace {

// Returns the rows of image i of a [R*K2, .] matrix.
at::Tensor rows_of(const BapPlan& plan, const at::Tensor& rows, int64_t i) {
  const auto at = static_cast<size_t>(i);
  return rows.slice(0, plan.box_begin[at] * plan.windows(), plan.box_begin[at + 1] * plan.windows());
}

bool attends(const BapPlan& plan) {
  return std::any_of(plan.attending.begin(), plan.attending.end(), [](int32_t a) { return a > 0; });
}

struct MapGradients {
  at::Tensor dots, gram;
};
MapGradients attention_backward(const BapPlan& plan, const at::Tensor& flat, const Parts& parts,
                                const at::Tensor& grad_vectors) {
  const auto options = flat.options();
  const MapGradients grad{at::zeros_like(parts.dots), at::zeros_like(parts.gram)};
  const at::Tensor at_cells = at::empty({grad_vectors.size(0), flat.size(2)}, options);
  for (int64_t i = 0; i < plan.images; ++i) {
    at::Tensor out = rows_of(plan, at_cells, i);
    if (out.size(0) > 0) at::mm_out(out, rows_of(plan, grad_vectors, i), flat[i]);
  }
  const at::Tensor self = (grad_vectors * parts.vectors).sum(1);
  const at::Tensor query_gradients = at::empty({plan.samples, plan.queries_per_image()}, options);
  const at::Tensor norm_gradients = at::empty({plan.samples}, options);
  AT_DISPATCH_FLOATING_TYPES(flat.scalar_type(), "bap_backward", [&] {
    const View<scalar_t> v = parts.tables->view<scalar_t>(plan, parts);
    const KernelQueue queue = queue_of(flat);
    scalar_t* q = query_gradients.mutable_data_ptr<scalar_t>();
    scalar_t* s = norm_gradients.mutable_data_ptr<scalar_t>();
    launches::sample_gradients(queue, v, parts.weights.const_data_ptr<scalar_t>(), at_cells.const_data_ptr<scalar_t>(),
                               self.const_data_ptr<scalar_t>(), q, s);
    launches::map_gradients(queue, v, static_cast<const scalar_t*>(q), static_cast<const scalar_t*>(s),
                            grad.dots.mutable_data_ptr<scalar_t>(), grad.gram.mutable_data_ptr<scalar_t>());
  });
  return grad;
}

}  // namespace

Parts forward_device(const BapPlan& plan, const at::Tensor& features) {
  const c10::DeviceGuard guard(features.device());
  Parts parts = empty_parts(plan, features);
  parts.tables = std::make_shared<const PlanTables>(plan, features);
  const at::Tensor flat = features.view({plan.images, features.size(1), plan.h * plan.w});
  parts.queries = at::bmm(parts.tables->members(), flat.transpose(1, 2)).div_(parts.tables->divisors());
  if (attends(plan)) {
    parts.dots = at::bmm(parts.queries, flat);
    parts.gram = gram_maps(features);
    parts.query_norms = parts.queries.norm(2, {2}).contiguous();
  }
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "bap", [&] {
    const View<scalar_t> v = parts.tables->view<scalar_t>(plan, parts);
    const KernelQueue queue = queue_of(features);
    scalar_t* attention = parts.attention.mutable_data_ptr<scalar_t>();
    launches::attention(queue, v, attention);
    launches::pooling_matrix(queue, v, static_cast<const scalar_t*>(attention),
                             parts.weights.mutable_data_ptr<scalar_t>(), parts.matrix.mutable_data_ptr<scalar_t>());
  });
  for (int64_t i = 0; i < plan.images; ++i) {
    at::Tensor out = rows_of(plan, parts.vectors, i);
    if (out.size(0) > 0) at::mm_out(out, rows_of(plan, parts.matrix, i), flat[i].t());
  }
  return parts;
}

at::Tensor backward_device(const BapPlan& plan, const at::Tensor& features, const Parts& parts,
                           const at::Tensor& grad_vectors, const at::Tensor& given) {
  const c10::DeviceGuard guard(features.device());
  const int64_t channels = features.size(1), area = plan.h * plan.w;
  const at::Tensor flat = features.view({plan.images, channels, area});
  const at::Tensor &members = parts.tables->members(), &divisors = parts.tables->divisors();
  at::Tensor grad_queries = given;
  MapGradients maps;
  if (attends(plan)) {
    maps = attention_backward(plan, flat, parts, grad_vectors);
    // The way back through |q| (bap_kernel.h).
    const at::Tensor along = (maps.dots * parts.dots).sum(2, true);  // [N,J,1]
    const at::Tensor norms = parts.query_norms.unsqueeze(2);
    const at::Tensor factor = at::where(norms >= kNormFloor, along / (norms * norms), at::zeros_like(norms));
    grad_queries = at::bmm(maps.dots, flat.transpose(1, 2)) + grad_queries - factor * parts.queries;
  }
  grad_queries = grad_queries / divisors;
  at::Tensor grad = at::empty_like(features);
  // All paths into f are one product.
  for (int64_t i = 0; i < plan.images; ++i) {
    std::vector<at::Tensor> left = {rows_of(plan, grad_vectors, i), grad_queries[i]};
    std::vector<at::Tensor> right = {rows_of(plan, parts.matrix, i), members[i]};
    if (maps.dots.defined() && plan.attending[static_cast<size_t>(i)] > 0) {
      left.push_back(parts.queries[i]);
      right.push_back(maps.dots[i]);
    }
    at::Tensor out = grad[i].view({channels, area});
    at::mm_out(out, at::cat(left).t(), at::cat(right));
  }
  if (maps.gram.defined()) add_gram_maps_backward(grad, maps.gram, features);
  return grad;
}

}  // namespace boxseg::bap
