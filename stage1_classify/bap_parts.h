// Does background-aware pooling in two steps, forward and backward, with what the first leaves for the second. There is
// one implementation for the CPU (bap_cpu.cpp: image by image, products only where boxes are) and one, with LibTorch's
// products over the whole map, for any device (bap_device.cpp).
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "stage1_classify/bap_plan.h"

namespace boxseg::bap {

class PlanTables;

// Axes are as in bap_kernel.h; A = h*w. Images whose boxes attend to nothing have zeros in dots, gram and query_norms.
struct Parts {
  at::Tensor queries;      // [N,J,C]
  at::Tensor dots;         // [N,J,A], where boxes are
  at::Tensor gram;         // [N,5,h,w]
  at::Tensor query_norms;  // [N,J]
  at::Tensor attention;    // [S]
  at::Tensor weights;      // [R*K2], the windows' weights
  at::Tensor matrix;       // [R*K2,A], the matrix that pools
  at::Tensor vectors;      // [R*K2,C]
  // This is the plan on the features' device, which forward_device() alone sets.
  std::shared_ptr<const PlanTables> tables = nullptr;
};

// Both compute a step's outputs. features: [N,C,h,w], contiguous.
Parts forward_cpu(const BapPlan& plan, const at::Tensor& features);
Parts forward_device(const BapPlan& plan, const at::Tensor& features);

// Both return the gradient of features, from those of vectors and queries, which are contiguous.
at::Tensor backward_cpu(const BapPlan& plan, const at::Tensor& features, const Parts& parts,
                        const at::Tensor& grad_vectors, const at::Tensor& grad_queries);
at::Tensor backward_device(const BapPlan& plan, const at::Tensor& features, const Parts& parts,
                           const at::Tensor& grad_vectors, const at::Tensor& grad_queries);

// Allocates what a step's outputs need, all zero.
Parts empty_parts(const BapPlan& plan, const at::Tensor& features);

// Returns what the kernels read; its tables lie in the plan itself, on the CPU.
template <class T>
View<T> view_of(const BapPlan& plan, const Parts& parts) {
  View<T> v{};
  v.images = plan.images;
  v.boxes_count = static_cast<int64_t>(plan.boxes.size());
  v.samples = plan.samples;
  v.h = plan.h;
  v.w = plan.w;
  v.queries = plan.queries_per_image();
  v.roi = plan.roi;
  v.boxes = plan.boxes.data();
  v.box_begin = plan.box_begin.data();
  v.axis = plan.axis.data();
  v.first = plan.first.data();
  v.attending = plan.attending.data();
  v.background_count = plan.background_count.data();
  v.dots = parts.dots.const_data_ptr<T>();
  v.gram = parts.gram.const_data_ptr<T>();
  v.query_norms = parts.query_norms.const_data_ptr<T>();
  return v;
}

}  // namespace boxseg::bap
