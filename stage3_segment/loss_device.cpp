#include "stage3_segment/loss_device.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "common/ops/device_path.h"
#include "common/ops/transfer.h"
#include "stage3_segment/cuda/launch.h"

namespace boxseg::device {
namespace {

// So many sums at most come back from the device to be added up here.
constexpr int64_t kMostSums = 1024;

template <class Item>
Item* items_of(const at::Tensor& bytes) {
  return reinterpret_cast<Item*>(bytes.mutable_data_ptr<uint8_t>());
}

template <class Item>
at::Tensor space_for(int64_t items, const at::Tensor& on) {
  return at::empty({items * static_cast<int64_t>(sizeof(Item))}, on.options().dtype(at::kByte));
}

}  // namespace

template <class T>
Measured measure(const LossProblem<T>& p, const at::Tensor& scores, T* log_sum) {
  const int64_t lanes = p.images * p.height * kLossLanes, count = std::min(lanes, kMostSums);
  const at::Tensor parts = space_for<LossPart>(lanes, scores), sums = space_for<LossPart>(count, scores);
  launches::measure(queue_of(scores), p, log_sum, items_of<LossPart>(parts), count, items_of<LossPart>(sums));
  const at::Tensor here = download(sums);
  LossPart all;
  for (int64_t i = 0; i < count; ++i) all.add(items_of<LossPart>(here)[i]);
  return {{all.reliable_loss, all.unreliable_loss, all.confidence, all.reliable, all.unreliable}, all.wrong};
}

template <class T>
void gradient(const LossProblem<T>& p, const LossScales<T>& scales, const at::Tensor& scores, const T* log_sum,
              T* gradient) {
  const at::Tensor slopes = space_for<PixelSlope<T>>(p.images * p.height * p.width, scores);
  launches::gradient(queue_of(scores), p, scales, log_sum, items_of<PixelSlope<T>>(slopes), gradient);
}

template Measured measure(const LossProblem<float>&, const at::Tensor&, float*);
template Measured measure(const LossProblem<double>&, const at::Tensor&, double*);
template void gradient(const LossProblem<float>&, const LossScales<float>&, const at::Tensor&, const float*, float*);
template void gradient(const LossProblem<double>&, const LossScales<double>&, const at::Tensor&, const double*,
                       double*);

}  // namespace boxseg::device
