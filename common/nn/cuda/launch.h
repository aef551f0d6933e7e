// Launches of the kernels of common/nn: implemented in launch.cu, or in stub.cpp (which throws) without CUDA. Pointers
// are device memory of the current device; stream is a cudaStream_t. Free of LibTorch but for current_stream().
#pragma once
#include <cstdint>

namespace at {
class Tensor;
}

namespace boxseg::nn_cuda {

void* current_stream(const at::Tensor& on);  // of the tensor's device; in common/nn/cuda_stream.cpp

template <class T>
void gram_maps(const T* features, T* maps, int64_t images, int64_t channels, int64_t h, int64_t w, void* stream);
template <class T>
void add_gram_maps_backward(const T* grad_maps, const T* features, T* grad_features, int64_t images, int64_t channels,
                            int64_t h, int64_t w, void* stream);

}  // namespace boxseg::nn_cuda
