// Launches the kernels of common/ops. It is free of LibTorch: pointers are memory of the device that `on` names.
#pragma once
#include <cstdint>

#include "common/ops/launch.h"
#include "common/ops/pool_size.h"

namespace boxseg::launches {

// features: [N,C,h,w]; maps: [N,5,h,w].
template <class T>
void gram_maps(const KernelQueue& on, const T* features, T* maps, int64_t images, int64_t channels, int64_t h,
               int64_t w);
template <class T>
void add_gram_maps_backward(const KernelQueue& on, const T* grad_maps, const T* features, T* grad_features,
                            int64_t images, int64_t channels, int64_t h, int64_t w);

// All pointers stand at the first of `planes` planes. `in` and `grad_in` are [h,w]; `size` tells the planes of `out`,
// `codes` and `grad_out`.
template <class T>
void max_pool(const KernelQueue& on, const PoolSize& size, int64_t planes, const T* in, T* out, uint8_t* codes);
template <class T>
void max_unpool(const KernelQueue& on, const PoolSize& size, int64_t planes, const T* grad_out, const uint8_t* codes,
                T* grad_in);

}  // namespace boxseg::launches
