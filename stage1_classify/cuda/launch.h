// Launches of bap_kernel.h: implemented in launch.cu, or in stub.cpp (which throws) without CUDA. All pointers, those of
// the view included, are memory of the current device; stream is a cudaStream_t.
#pragma once
#include "stage1_classify/bap_kernel.h"

namespace boxseg::bap_cuda {

template <class T>
void attention(const bap::View<T>& view, T* attention, void* stream);
// window_weights: [R*K2]; matrix: [R*K2, h*w].
template <class T>
void pooling_matrix(const bap::View<T>& view, const T* attention, T* window_weights, T* matrix, void* stream);
// query_gradients: [S,J], norm_gradients: [S].
template <class T>
void sample_gradients(const bap::View<T>& view, const T* window_weights, const T* grad_dots_at, const T* grad_self,
                      T* query_gradients, T* norm_gradients, void* stream);
// grad_dots: [N,J,h,w], grad_gram: [N,5,h,w]; both must be zero.
template <class T>
void map_gradients(const bap::View<T>& view, const T* query_gradients, const T* norm_gradients, T* grad_dots, T* grad_gram,
                   void* stream);

}  // namespace boxseg::bap_cuda
