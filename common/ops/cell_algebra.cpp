#include "common/ops/cell_algebra.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/transfer.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

constexpr int64_t kCellsPerPiece = 256;  // few enough that a piece's accumulators stay in the first-level cache
constexpr int64_t kChannelsPerPiece = 16;
constexpr int64_t kLanes = 8;  // partial sums of pool(); their number is fixed, so that the result is, too

struct FeatureShape {
  int64_t channels, area;
};

FeatureShape shape_of(const at::Tensor& features) {
  ensure(features.dim() == 3 && features.scalar_type() == at::kFloat && features.is_contiguous(),
         "cell algebra: expected contiguous [C,h,w] float32, got {} dimensions", features.dim());
  return {features.size(0), features.size(1) * features.size(2)};
}

// Brings the rows of [n,.] to where the features are.
at::Tensor rows_on_device(const at::Tensor& features, const std::vector<double>& values, int64_t n) {
  const at::Tensor rows =
      empty_for_upload({n, static_cast<int64_t>(values.size()) / n}, at::kDouble, features.device());
  std::copy(values.begin(), values.end(), rows.mutable_data_ptr<double>());
  return upload(rows, features.device());
}

// Returns the features as a matrix [C,h*w] of doubles.
at::Tensor matrix_of(const at::Tensor& features, const FeatureShape& shape) {
  return features.view({shape.channels, shape.area}).to(at::kDouble);
}

std::vector<float> project_on_device(const at::Tensor& features, const FeatureShape& shape,
                                     const std::vector<double>& vectors, int64_t n) {
  const at::Tensor products = at::matmul(rows_on_device(features, vectors, n), matrix_of(features, shape));
  const at::Tensor here = download(products.to(at::kFloat)).contiguous();
  return {here.const_data_ptr<float>(), here.const_data_ptr<float>() + here.numel()};
}

std::vector<float> project_on_cpu(const at::Tensor& features, const FeatureShape& shape,
                                  const std::vector<double>& vectors, int64_t n, int threads) {
  const auto [channels, area] = shape;
  std::vector<float> out(static_cast<size_t>(n * area));
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

std::vector<double> pool_on_device(const at::Tensor& features, const FeatureShape& shape,
                                   const std::vector<double>& weights, int64_t n) {
  const at::Tensor sums = at::matmul(rows_on_device(features, weights, n), matrix_of(features, shape).t());
  const at::Tensor here = download(sums).contiguous();
  return {here.const_data_ptr<double>(), here.const_data_ptr<double>() + here.numel()};
}

std::vector<double> pool_on_cpu(const at::Tensor& features, const FeatureShape& shape,
                                const std::vector<double>& weights, int64_t n, int threads) {
  const auto [channels, area] = shape;
  std::vector<double> out(static_cast<size_t>(n * channels));
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

}  // namespace

std::vector<float> project(const at::Tensor& features, const std::vector<double>& vectors, int64_t n, int threads) {
  const FeatureShape shape = shape_of(features);
  ensure(static_cast<int64_t>(vectors.size()) == n * shape.channels,
         "project: {} numbers for {} vectors of {} channels", vectors.size(), n, shape.channels);
  if (n == 0) return {};
  return takes_device_path(features) ? project_on_device(features, shape, vectors, n)
                                     : project_on_cpu(features, shape, vectors, n, threads);
}

std::vector<double> pool(const at::Tensor& features, const std::vector<double>& weights, int64_t n, int threads) {
  const FeatureShape shape = shape_of(features);
  ensure(static_cast<int64_t>(weights.size()) == n * shape.area, "pool: {} numbers for {} maps of {} cells",
         weights.size(), n, shape.area);
  if (n == 0) return {};
  return takes_device_path(features) ? pool_on_device(features, shape, weights, n)
                                     : pool_on_cpu(features, shape, weights, n, threads);
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
