// Launches the kernels of bap_kernel.h. All pointers, those of the view included, are memory of the device that `on`
// names.
#pragma once
#include "common/ops/launch.h"
#include "stage1_classify/bap_kernel.h"

namespace boxseg::bap::launches {

// mask: [N,h*w], 1 on background; out: [N,J,h*w].
template <class T>
void query_members(const KernelQueue& on, const View<T>& view, const Grid& grid, const uint8_t* mask, T* out);
template <class T>
void attention(const KernelQueue& on, const View<T>& view, T* attention);
// window_weights: [R*K2]; matrix: [R*K2, h*w].
template <class T>
void pooling_matrix(const KernelQueue& on, const View<T>& view, const T* attention, T* window_weights, T* matrix);
// query_gradients: [S,J], norm_gradients: [S].
template <class T>
void sample_gradients(const KernelQueue& on, const View<T>& view, const T* window_weights, const T* grad_dots_at,
                      const T* grad_self, T* query_gradients, T* norm_gradients);
// grad_dots: [N,J,h,w], grad_gram: [N,5,h,w]; both must be zero.
template <class T>
void map_gradients(const KernelQueue& on, const View<T>& view, const T* query_gradients, const T* norm_gradients,
                   T* grad_dots, T* grad_gram);

}  // namespace boxseg::bap::launches
