#include "common/ops/cuda/launch.h"
#include "common/ops/gram_maps_kernel.h"
#include "common/ops/pool_kernel.h"

namespace boxseg::launches {

template <class T>
void gram_maps(const KernelQueue& on, const T* features, T* maps, int64_t images, int64_t channels, int64_t h,
               int64_t w) {
  launch<gram_maps_of_cell<T>>("Gram maps", on, images * h * w, features, maps, channels, h, w);
}

template <class T>
void add_gram_maps_backward(const KernelQueue& on, const T* grad_maps, const T* features, T* grad_features,
                            int64_t images, int64_t channels, int64_t h, int64_t w) {
  launch<gram_adjoint_of_cell<T>>("the gradient of Gram maps", on, images * adjoint_groups(channels) * h * w, grad_maps,
                                  features, grad_features, channels, h, w);
}

template <class T>
void max_pool(const KernelQueue& on, const PoolSize& size, int64_t planes, const T* in, T* out, uint8_t* codes) {
  launch<max_pool_window<T>>("max pooling", on, planes * size.out_area(), size, in, out, codes);
}

template <class T>
void max_unpool(const KernelQueue& on, const PoolSize& size, int64_t planes, const T* grad_out, const uint8_t* codes,
                T* grad_in) {
  launch<max_unpool_cell<T>>("the gradient of max pooling", on, planes * size.area(), size, grad_out, codes, grad_in);
}

#define BOXSEG_LAUNCHES(T)                                                                                    \
  template void gram_maps(const KernelQueue&, const T*, T*, int64_t, int64_t, int64_t, int64_t);              \
  template void add_gram_maps_backward(const KernelQueue&, const T*, const T*, T*, int64_t, int64_t, int64_t, \
                                       int64_t);                                                              \
  template void max_pool(const KernelQueue&, const PoolSize&, int64_t, const T*, T*, uint8_t*);               \
  template void max_unpool(const KernelQueue&, const PoolSize&, int64_t, const T*, const uint8_t*, T*);
BOXSEG_LAUNCHES(float)
BOXSEG_LAUNCHES(double)

}  // namespace boxseg::launches
