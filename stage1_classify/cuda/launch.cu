#include "stage1_classify/cuda/launch.h"

namespace boxseg::bap::launches {

template <class T>
void query_members(const KernelQueue& on, const View<T>& v, const Grid& grid, const uint8_t* mask, T* out) {
  launch<member_of_query<T>>("BAP's queries", on, v.images * v.queries * v.h * v.w, v, grid, mask, out);
}

template <class T>
void attention(const KernelQueue& on, const View<T>& v, T* out) {
  launch<attention_of_sample<T>>("BAP's attention", on, v.samples, v, out);
}

template <class T>
void pooling_matrix(const KernelQueue& on, const View<T>& v, const T* attention, T* weights, T* matrix) {
  const int64_t rows = v.boxes_count * v.roi * v.roi;
  const T* finished = weights;
  launch<weight_of_window<T>>("BAP's windows", on, rows, v, attention, weights);
  launch<pooling_weight_of_cell<T>>("BAP's pooling", on, rows * v.h * v.w, v, attention, finished, matrix);
}

template <class T>
void sample_gradients(const KernelQueue& on, const View<T>& v, const T* weights, const T* grad_dots_at,
                      const T* grad_self, T* query_gradients, T* norm_gradients) {
  launch<gradients_of_sample<T>>("BAP's gradients of samples", on, v.samples, v, weights, grad_dots_at, grad_self,
                                 query_gradients, norm_gradients);
}

template <class T>
void map_gradients(const KernelQueue& on, const View<T>& v, const T* query_gradients, const T* norm_gradients,
                   T* grad_dots, T* grad_gram) {
  launch<map_gradients_of_cell<T>>("BAP's gradients of maps", on, v.images * v.h * v.w, v, query_gradients,
                                   norm_gradients, grad_dots, grad_gram);
}

#define BOXSEG_LAUNCHES(T)                                                                                  \
  template void query_members(const KernelQueue&, const View<T>&, const Grid&, const uint8_t*, T*);         \
  template void attention(const KernelQueue&, const View<T>&, T*);                                          \
  template void pooling_matrix(const KernelQueue&, const View<T>&, const T*, T*, T*);                       \
  template void sample_gradients(const KernelQueue&, const View<T>&, const T*, const T*, const T*, T*, T*); \
  template void map_gradients(const KernelQueue&, const View<T>&, const T*, const T*, T*, T*);
BOXSEG_LAUNCHES(float)
BOXSEG_LAUNCHES(double)

}  // namespace boxseg::bap::launches
