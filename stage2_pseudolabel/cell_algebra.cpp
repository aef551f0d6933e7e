#include "stage2_pseudolabel/cell_algebra.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/parallel.h"

namespace boxseg {
namespace {

constexpr int64_t kCellsPerPiece = 256;  // accumulators of a piece stay in the first-level cache
constexpr int64_t kChannelsPerPiece = 16;
constexpr int64_t kLanes = 8;  // partial sums of pool(): a fixed number, so that the sum is, too

struct FeatureShape {
  int64_t channels, area;
};

FeatureShape shape_of(const at::Tensor& features) {
  ensure(features.dim() == 3 && features.scalar_type() == at::kFloat && features.is_contiguous(),
         "cell algebra: expected contiguous [C,h,w] float32, got {} dimensions", features.dim());
  return {features.size(0), features.size(1) * features.size(2)};
}

at::Tensor on_device_of(const at::Tensor& features, const std::vector<double>& values, int64_t n) {
  return at::from_blob(const_cast<double*>(values.data()), {n, static_cast<int64_t>(values.size()) / n}, at::kDouble)
      .to(features.device());
}

}  // namespace

std::vector<float> project(const at::Tensor& features, const std::vector<double>& vectors, int64_t n, int threads) {
  const auto [channels, area] = shape_of(features);
  ensure(static_cast<int64_t>(vectors.size()) == n * channels, "project: {} numbers for {} vectors of {} channels",
         vectors.size(), n, channels);
  std::vector<float> out(static_cast<size_t>(n * area));
  if (n == 0) return out;
  if (features.is_cuda()) {
    const auto product =
        at::matmul(on_device_of(features, vectors, n), features.view({channels, area}).to(at::kDouble));
    const auto result = product.to(at::kFloat).cpu().contiguous();
    std::copy_n(result.const_data_ptr<float>(), out.size(), out.data());
    return out;
  }
  const float* data = features.const_data_ptr<float>();
  parallel_for(area, kCellsPerPiece, threads, [&, channels = channels, area = area](int64_t begin, int64_t end) {
    const int64_t cells = end - begin;
    double sums[kCellsPerPiece];
    for (int64_t i = 0; i < n; ++i) {
      std::fill_n(sums, cells, 0.0);
      for (int64_t c = 0; c < channels; ++c) {
        const double factor = vectors[static_cast<size_t>(i * channels + c)];
        const float* row = data + c * area + begin;
        for (int64_t j = 0; j < cells; ++j) sums[j] += factor * row[j];
      }
      for (int64_t j = 0; j < cells; ++j) out[static_cast<size_t>(i * area + begin + j)] = static_cast<float>(sums[j]);
    }
  });
  return out;
}

std::vector<double> pool(const at::Tensor& features, const std::vector<double>& weights, int64_t n, int threads) {
  const auto [channels, area] = shape_of(features);
  ensure(static_cast<int64_t>(weights.size()) == n * area, "pool: {} numbers for {} maps of {} cells", weights.size(),
         n, area);
  std::vector<double> out(static_cast<size_t>(n * channels));
  if (n == 0) return out;
  if (features.is_cuda()) {
    const auto product =
        at::matmul(on_device_of(features, weights, n), features.view({channels, area}).to(at::kDouble).t());
    const auto result = product.cpu().contiguous();
    std::copy_n(result.const_data_ptr<double>(), out.size(), out.data());
    return out;
  }
  const float* data = features.const_data_ptr<float>();
  parallel_for(channels, kChannelsPerPiece, threads, [&, channels = channels, area = area](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < n; ++i) {
      const double* weight = weights.data() + i * area;
      for (int64_t c = begin; c < end; ++c) {
        const float* row = data + c * area;
        double lanes[kLanes] = {};
        int64_t j = 0;
        for (; j + kLanes <= area; j += kLanes)
          for (int64_t l = 0; l < kLanes; ++l) lanes[l] += weight[j + l] * row[j + l];
        double sum = 0;
        for (; j < area; ++j) sum += weight[j] * row[j];
        for (int64_t l = 0; l < kLanes; ++l) sum += lanes[l];
        out[static_cast<size_t>(i * channels + c)] = sum;
      }
    }
  });
  return out;
}

void normalise_rows(std::vector<double>& vectors, int64_t n) {
  if (n == 0) return;
  const auto length = static_cast<int64_t>(vectors.size()) / n;
  for (int64_t i = 0; i < n; ++i) {
    double* row = vectors.data() + i * length;
    double squared = 0;
    for (int64_t c = 0; c < length; ++c) squared += row[c] * row[c];
    const double norm = std::max(std::sqrt(squared), 1e-12);
    for (int64_t c = 0; c < length; ++c) row[c] /= norm;
  }
}

}  // namespace boxseg
