#include "stage1_classify/bap.h"

#include <ATen/Dispatch.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/nn/cuda/launch.h"
#include "common/nn/gram_maps.h"
#include "common/nn/torch_pool.h"
#include "stage1_classify/cuda/launch.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The plan's tables where the features are: on the CPU the plan itself, else copies.
class PlanOnDevice {
 public:
  PlanOnDevice(const BapPlan& plan, const at::Device& device) : plan_(plan), device_(device) {}

  template <class T>
  bap::View<T> view(const at::Tensor& dots, const at::Tensor& gram, const at::Tensor& query_norms) {
    bap::View<T> v{};
    v.images = plan_.images;
    v.boxes_count = static_cast<int64_t>(plan_.boxes.size());
    v.samples = plan_.samples;
    v.h = plan_.h;
    v.w = plan_.w;
    v.queries = plan_.queries_per_image();
    v.roi = plan_.roi;
    v.boxes = table(plan_.boxes);
    v.box_begin = table(plan_.box_begin);
    v.axis = table(plan_.axis);
    v.first = table(plan_.first);
    v.attending = table(plan_.attending);
    v.background_count = table(plan_.background_count);
    if (dots.defined()) {
      v.dots = dots.const_data_ptr<T>();
      v.gram = gram.const_data_ptr<T>();
      v.query_norms = query_norms.const_data_ptr<T>();
    }
    return v;
  }

 private:
  template <class Item>
  const Item* table(const std::vector<Item>& items) {
    if (device_.is_cpu()) return items.data();
    const auto bytes = static_cast<int64_t>(items.size() * sizeof(Item));
    copies_.push_back(at::from_blob(const_cast<Item*>(items.data()), {bytes}, at::kByte).to(device_));
    return reinterpret_cast<const Item*>(copies_.back().const_data_ptr<uint8_t>());
  }

  const BapPlan& plan_;
  at::Device device_;
  std::vector<at::Tensor> copies_;
};

// Which background cells make up a query: [N,J,h*w], 1 or 0.
at::Tensor query_members(const BapPlan& plan, const at::Tensor& features) {
  at::Tensor members = at::zeros({plan.images, plan.queries_per_image(), plan.h * plan.w}, at::kFloat);
  float* out = members.mutable_data_ptr<float>();
  for (int64_t n = 0; n < plan.images; ++n)
    for (int64_t y = 0; y < plan.h; ++y)
      for (int64_t x = 0; x < plan.w; ++x) {
        if (plan.small_mask[static_cast<size_t>((n * plan.h + y) * plan.w + x)] == 0) continue;
        const int64_t cell = (y + plan.pad_top) / plan.cell_h * plan.grid + (x + plan.pad_left) / plan.cell_w;
        out[((n * plan.queries_per_image() + cell) * plan.h + y) * plan.w + x] = 1.f;
      }
  return members.to(features.options());
}

at::Tensor query_divisors(const BapPlan& plan, const at::Tensor& features) {  // [N,J,1]
  const at::Tensor counts = at::from_blob(const_cast<float*>(plan.background_count.data()),
                                          {plan.images, plan.queries_per_image(), 1}, at::kFloat);
  return counts.to(features.options()) + bap::kDivisionGuard;
}

template <class T>
void cpu_attention(const bap::View<T>& v, T* attention) {
  for_each_in_torch_pool(v.boxes_count, [&](int64_t b) {
    const bap::Box& box = v.boxes[b];
    for (int64_t s = 0; s < int64_t{box.rows} * box.cols; ++s)
      attention[box.sample + s] = bap::foreground_attention(v, box, s / box.cols, s % box.cols);
  });
}

// Only the cells that a box touches are computed; the matrix must be zero.
template <class T>
void cpu_pooling_matrix(const bap::View<T>& v, const T* attention, T* weights, T* matrix) {
  const int64_t windows = v.roi * v.roi, area = v.h * v.w;
  for_each_in_torch_pool(v.boxes_count * windows, [&](int64_t i) {
    const int64_t b = i / windows, k = i % windows;
    weights[i] = bap::window_weight(v, attention, b, k);
    for (int64_t y = 0; y < v.h; ++y) {
      const bap::Window rows = bap::touching(v.first + v.boxes[b].row_first, y);
      if (rows.begin == rows.end) continue;
      for (int64_t x = 0; x < v.w; ++x)
        matrix[i * area + y * v.w + x] = bap::pooling_weight(v, attention, weights, b, k, y, x);
    }
  });
}

template <class T>
void cpu_sample_gradients(const bap::View<T>& v, const T* weights, const T* grad_dots_at, const T* grad_self,
                          T* query_gradients, T* norm_gradients) {
  for_each_in_torch_pool(v.boxes_count, [&](int64_t b) {
    const bap::Box& box = v.boxes[b];
    for (int64_t i = 0; i < int64_t{box.rows} * box.cols; ++i) {
      const int64_t s = box.sample + i;
      norm_gradients[s] = bap::sample_gradients(v, weights, grad_dots_at, grad_self, b, i / box.cols, i % box.cols,
                                                query_gradients + s * v.queries);
    }
  });
}

template <class T>
void cpu_map_gradients(const bap::View<T>& v, const T* query_gradients, const T* norm_gradients, T* grad_dots, T* grad_gram) {
  const int64_t area = v.h * v.w;
  for_each_in_torch_pool(v.images * v.h, [&](int64_t row) {
    const int64_t n = row / v.h, y = row % v.h;
    if (v.attending[n] == 0) return;
    for (int64_t x = 0; x < v.w; ++x) {
      const int64_t cell = y * v.w + x;
      bap::cell_gradients(v, query_gradients, norm_gradients, n, y, x, area, grad_dots + n * v.queries * area + cell,
                          grad_gram + n * 5 * area + cell);
    }
  });
}

struct PlanHolder : torch::CustomClassHolder {
  explicit PlanHolder(std::shared_ptr<const BapPlan> p) : plan(std::move(p)) {}
  std::shared_ptr<const BapPlan> plan;
};

class BapFunction : public torch::autograd::Function<BapFunction> {
 public:
  static variable_list forward(AutogradContext* ctx, const at::Tensor& given, std::shared_ptr<const BapPlan> shared_plan) {
    const BapPlan& plan = *shared_plan;
    const at::Tensor features = given.contiguous();
    const int64_t n = plan.images, channels = features.size(1), area = plan.h * plan.w, windows = plan.windows();
    const at::Tensor flat = features.view({n, channels, area});
    const at::Tensor members = query_members(plan, features), divisors = query_divisors(plan, features);
    const at::Tensor queries = at::bmm(members, flat.transpose(1, 2)).div_(divisors);  // [N,J,C]
    const auto boxes = static_cast<int64_t>(plan.boxes.size());
    const bool attends = std::any_of(plan.attending.begin(), plan.attending.end(), [](int32_t a) { return a > 0; });
    at::Tensor dots, gram, query_norms;
    if (attends) {
      dots = at::bmm(queries, flat);
      gram = gram_maps(features);
      query_norms = queries.norm(2, {2}).contiguous();
    }
    at::Tensor attention = at::empty({plan.samples}, features.options());
    at::Tensor weights = at::empty({boxes * windows}, features.options());
    at::Tensor matrix = at::zeros({boxes * windows, area}, features.options());
    AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "bap", [&] {
      const c10::DeviceGuard guard(features.device());
      PlanOnDevice tables(plan, features.device());
      const bap::View<scalar_t> v = tables.view<scalar_t>(dots, gram, query_norms);
      scalar_t* a = attention.mutable_data_ptr<scalar_t>();
      scalar_t* ww = weights.mutable_data_ptr<scalar_t>();
      scalar_t* m = matrix.mutable_data_ptr<scalar_t>();
      if (features.is_cuda()) {
        void* const stream = nn_cuda::current_stream(features);
        bap_cuda::attention(v, a, stream);
        bap_cuda::pooling_matrix(v, static_cast<const scalar_t*>(a), ww, m, stream);
      } else {
        cpu_attention(v, a);
        cpu_pooling_matrix(v, static_cast<const scalar_t*>(a), ww, m);
      }
    });
    at::Tensor vectors = at::empty({boxes * windows, channels}, features.options());
    for (int64_t i = 0; i < n; ++i) {
      at::Tensor out = rows_of(plan, vectors, i);
      if (out.size(0) > 0) at::mm_out(out, rows_of(plan, matrix, i), flat[i].t());
    }
    const at::Tensor flat_queries = queries.view({n * plan.queries_per_image(), channels});
    ctx->save_for_backward({features, members, divisors, flat_queries, dots, gram, query_norms, weights, matrix, vectors});
    ctx->saved_data["plan"] = c10::IValue::make_capsule(c10::make_intrusive<PlanHolder>(std::move(shared_plan)));
    ctx->mark_non_differentiable({attention});
    return {vectors, flat_queries, attention};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &features = saved[0], &members = saved[1], &divisors = saved[2], &dots = saved[4], &gram = saved[5],
                     &query_norms = saved[6], &weights = saved[7], &matrix = saved[8], &vectors = saved[9];
    const auto capsule = ctx->saved_data["plan"].toCapsule();
    const BapPlan& plan = *static_cast<const PlanHolder&>(*capsule).plan;
    const int64_t n = plan.images, j = plan.queries_per_image(), channels = features.size(1), area = plan.h * plan.w;
    const at::Tensor flat = features.view({n, channels, area}), queries = saved[3].view({n, j, channels});
    const at::Tensor grad_vectors = grads[0].defined() ? grads[0].contiguous() : at::zeros_like(vectors);
    at::Tensor grad_queries = grads[1].defined() ? grads[1].contiguous().view({n, j, channels}) : at::zeros_like(queries);
    at::Tensor grad_dots, grad_gram;
    if (dots.defined()) {
      grad_dots = at::zeros_like(dots);
      grad_gram = at::zeros_like(gram);
      attention_backward(plan, flat, grad_vectors, vectors, weights, dots, gram, query_norms, grad_dots, grad_gram);
      // d|q| enters as -cos/|q| summed over samples, which is -<grad of D_j, D_j>/|q|^2 along q.
      const at::Tensor along = (grad_dots * dots).sum(2, true);  // [N,J,1]
      const at::Tensor norms = query_norms.unsqueeze(2);
      const at::Tensor factor = at::where(norms >= bap::kNormFloor, along / (norms * norms), at::zeros_like(norms));
      grad_queries = at::bmm(grad_dots, flat.transpose(1, 2)) + grad_queries - factor * queries;
    }
    grad_queries = grad_queries / divisors;
    at::Tensor grad = at::empty_like(features);
    for (int64_t i = 0; i < n; ++i) {  // every path into f as one product
      std::vector<at::Tensor> left = {rows_of(plan, grad_vectors, i), grad_queries[i]};
      std::vector<at::Tensor> right = {rows_of(plan, matrix, i), members[i]};
      if (grad_dots.defined() && plan.attending[static_cast<size_t>(i)] > 0) {
        left.push_back(queries[i]);
        right.push_back(grad_dots[i]);
      }
      at::Tensor out = grad[i].view({channels, area});
      at::mm_out(out, at::cat(left).t(), at::cat(right));
    }
    if (grad_gram.defined()) add_gram_maps_backward(grad, grad_gram, features);
    return {grad, at::Tensor()};
  }

 private:
  // The rows of image i of a [R*K2, .] matrix.
  static at::Tensor rows_of(const BapPlan& plan, const at::Tensor& rows, int64_t i) {
    const auto at = static_cast<size_t>(i);
    return rows.slice(0, plan.box_begin[at] * plan.windows(), plan.box_begin[at + 1] * plan.windows());
  }

  static void attention_backward(const BapPlan& plan, const at::Tensor& flat, const at::Tensor& grad_vectors,
                                 const at::Tensor& vectors, const at::Tensor& weights, const at::Tensor& dots,
                                 const at::Tensor& gram, const at::Tensor& query_norms, at::Tensor& grad_dots,
                                 at::Tensor& grad_gram) {
    const auto options = flat.options();
    at::Tensor grad_dots_at = at::empty({grad_vectors.size(0), flat.size(2)}, options);
    for (int64_t i = 0; i < plan.images; ++i) {
      at::Tensor out = rows_of(plan, grad_dots_at, i);
      if (out.size(0) > 0) at::mm_out(out, rows_of(plan, grad_vectors, i), flat[i]);
    }
    const at::Tensor grad_self = (grad_vectors * vectors).sum(1);
    at::Tensor query_gradients = at::empty({plan.samples, plan.queries_per_image()}, options);
    at::Tensor norm_gradients = at::empty({plan.samples}, options);
    AT_DISPATCH_FLOATING_TYPES(flat.scalar_type(), "bap_backward", [&] {
      const c10::DeviceGuard guard(flat.device());
      PlanOnDevice tables(plan, flat.device());
      const bap::View<scalar_t> v = tables.view<scalar_t>(dots, gram, query_norms);
      const scalar_t* ww = weights.const_data_ptr<scalar_t>();
      const scalar_t* at_cells = grad_dots_at.const_data_ptr<scalar_t>();
      const scalar_t* self = grad_self.const_data_ptr<scalar_t>();
      scalar_t* q = query_gradients.mutable_data_ptr<scalar_t>();
      scalar_t* s = norm_gradients.mutable_data_ptr<scalar_t>();
      scalar_t* gd = grad_dots.mutable_data_ptr<scalar_t>();
      scalar_t* gg = grad_gram.mutable_data_ptr<scalar_t>();
      if (flat.is_cuda()) {
        void* const stream = nn_cuda::current_stream(flat);
        bap_cuda::sample_gradients(v, ww, at_cells, self, q, s, stream);
        bap_cuda::map_gradients(v, static_cast<const scalar_t*>(q), static_cast<const scalar_t*>(s), gd, gg, stream);
      } else {
        cpu_sample_gradients(v, ww, at_cells, self, q, s);
        cpu_map_gradients(v, static_cast<const scalar_t*>(q), static_cast<const scalar_t*>(s), gd, gg);
      }
    });
  }
};

}  // namespace

BapResult background_aware_pooling(const at::Tensor& features, std::shared_ptr<const BapPlan> plan) {
  ensure(features.dim() == 4 && features.size(0) == plan->images && features.size(2) == plan->h && features.size(3) == plan->w,
         "bap: features are {}, expected [{},C,{},{}]", c10::str(features.sizes()), plan->images, plan->h, plan->w);
  ensure(features.scalar_type() == at::kFloat || features.scalar_type() == at::kDouble,
         "bap: features are {}, expected float32 or float64", c10::toString(features.scalar_type()));
  const variable_list out = BapFunction::apply(features, std::move(plan));
  return {out[0], out[1], out[2]};
}

}  // namespace boxseg
