#include "stage3_segment/cuda/launch.h"

namespace boxseg::launches {

template <class T>
void measure(const KernelQueue& on, const LossProblem<T>& p, T* log_sum, LossPart* parts, int64_t sums, LossPart* out) {
  const int64_t lanes = p.images * p.height * kLossLanes;
  const LossPart* finished = parts;
  launch<measure_lane<T>>("the loss", on, lanes, p, log_sum, parts);
  launch<add_loss_parts>("the sums of the loss", on, sums, finished, lanes, sums, out);
}

template <class T>
void gradient(const KernelQueue& on, const LossProblem<T>& p, const LossScales<T>& scales, const T* log_sum,
              PixelSlope<T>* slopes, T* out) {
  const PixelSlope<T>* finished = slopes;
  launch<slope_at<T>>("the slopes of the loss", on, p.images * p.height * p.width, p, scales, log_sum, slopes);
  launch<gather_at<T>>("the gradient of the loss", on, p.images * p.cell_rows * p.cell_columns * p.classes, p, finished,
                       out);
}

#define BOXSEG_LAUNCHES(T)                                                                             \
  template void measure(const KernelQueue&, const LossProblem<T>&, T*, LossPart*, int64_t, LossPart*); \
  template void gradient(const KernelQueue&, const LossProblem<T>&, const LossScales<T>&, const T*, PixelSlope<T>*, T*);
BOXSEG_LAUNCHES(float)
BOXSEG_LAUNCHES(double)

}  // namespace boxseg::launches
