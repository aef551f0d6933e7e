#include "common/ops/winograd/winograd.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <vector>

#include "common/ops/torch_pool.h"
#include "common/ops/winograd/winograd_tiles.h"

namespace boxseg {
namespace {

// With fewer channels, making points costs more memory traffic than their products save.
constexpr int64_t kFewestChannels = 128;
constexpr double kLeastSaving = 4.0 / 3;  // factor by which multiplications must shrink for the work on points to pay
constexpr int64_t kChannelGroup = 4;      // channels in one piece of work
// So many points are made before they are multiplied: enough that each weight serves many tiles, few enough for the
// cache.
constexpr int64_t kChunkElements = int64_t{5} << 19;
constexpr int64_t kFewestTiles = 896;

int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// Holds the maps of a batch, cut into chunks of rows of tiles. Rows are numbered through the images.
struct Batch {
  Batch(const at::Tensor& x, int64_t dilation)
      : images(x.size(0)), area(x.size(2) * x.size(3)), tiles(x.size(2), x.size(3), dilation) {}

  int64_t rows() const { return images * tiles.rows(); }
  // Calls body(first row, rows) for chunks that fit `channels` maps of points.
  template <class Body>
  void for_chunks(int64_t channels, const Body& body) const {
    const int64_t wanted = std::max(kFewestTiles, kChunkElements / (channels * kWinogradPoints));
    const int64_t most = std::max<int64_t>(1, wanted / tiles.row_length());
    const int64_t chunks = (rows() + most - 1) / most, length = (rows() + chunks - 1) / chunks;
    for (int64_t first = 0; first < rows(); first += length) body(first, std::min(length, rows() - first));
  }

  int64_t images, area;
  WinogradTiles tiles;
};

// Holds the points of a chunk, or of filters: [16][channels][columns]. Its steps keep apart in the cache what is used
// together.
class Points {
 public:
  Points(int64_t channels, int64_t columns)
      : step_(round_up(columns + WinogradTiles::kSlack, 32) + 16),
        stride_(channels * step_ + 16),
        values_(at::empty({kWinogradPoints * stride_}, at::kFloat)),
        data_(values_.mutable_data_ptr<float>()),
        views_(values_.as_strided({kWinogradPoints, channels, columns}, {stride_, step_, 1}).unbind()) {}

  float* of_channel(int64_t channel) { return data_ + channel * step_; }
  int64_t stride() const { return stride_; }                                           // from point to point
  const at::Tensor& point(int64_t e) const { return views_[static_cast<size_t>(e)]; }  // [channels, columns]

 private:
  int64_t step_, stride_;
  at::Tensor values_;
  // It is kept, since asking the tensor for each channel of each filter would take 1 % of a training step.
  float* data_;
  std::vector<at::Tensor> views_;
};

Points filter_points(const at::Tensor& weight) {
  const int64_t outputs = weight.size(0), inputs = weight.size(1);
  Points points(outputs, inputs);
  const float* from = weight.const_data_ptr<float>();
  for_ranges_in_torch_pool(outputs, kChannelGroup, [&](int64_t first, int64_t end) {
    for (int64_t k = first; k < end; ++k)
      for (int64_t c = 0; c < inputs; ++c)
        winograd_points_of_filter(from + (k * inputs + c) * 9, points.of_channel(k) + c, points.stride());
  });
  return points;
}

// Calls body(channel, r, row of its plane, plane) for r < rows: for the batch's rows of tiles from `first`, in order,
// of each channel of maps [N,C,h,w].
template <class Value, class Body>
void for_rows(const Batch& batch, int64_t channels, int64_t first, int64_t rows, Value* maps, const Body& body) {
  for_ranges_in_torch_pool(channels, kChannelGroup, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c)
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t image = (first + r) / batch.tiles.rows(), row = (first + r) % batch.tiles.rows();
        body(c, r, row, maps + (image * channels + c) * batch.area);
      }
  });
}

enum class Role { input, output };

// Makes the points of `rows` rows of tiles of maps [N,C,h,w], which are those of a convolution's input or its output's
// gradient.
void make_points(const Batch& batch, Role role, const at::Tensor& maps, int64_t first, int64_t rows, Points& points) {
  const auto* from = maps.const_data_ptr<float>();
  for_rows(batch, maps.size(1), first, rows, from, [&](int64_t c, int64_t r, int64_t row, const float* plane) {
    float* to = points.of_channel(c) + r * batch.tiles.row_length();
    if (role == Role::input)
      batch.tiles.points_of_input(plane, row, to, points.stride());
    else
      batch.tiles.points_of_gradient(plane, row, to, points.stride());
  });
}

}  // namespace

bool suits_winograd(const at::Tensor& x, const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  if (!x.is_cpu() || x.scalar_type() != at::kFloat || x.dim() != 4 || geometry.groups != 1 || geometry.stride != 1 ||
      geometry.padding != geometry.dilation || weight.size(2) != 3 || weight.size(3) != 3 ||
      std::min(weight.size(0), weight.size(1)) < kFewestChannels || x.numel() == 0)
    return false;
  const WinogradTiles tiles(x.size(2), x.size(3), geometry.dilation);
  return kLeastSaving * static_cast<double>(kWinogradPoints * tiles.rows() * tiles.row_length()) <=
         static_cast<double>(9 * x.size(2) * x.size(3));
}

at::Tensor winograd_input_gradient(const at::Tensor& weight, const at::Tensor& grad, int64_t dilation,
                                   const at::Tensor& mask) {
  const Batch batch(grad, dilation);
  const int64_t inputs = weight.size(1), outputs = weight.size(0);
  const at::Tensor result = at::empty({grad.size(0), inputs, grad.size(2), grad.size(3)}, grad.options());
  float* to = result.mutable_data_ptr<float>();
  const float* masks = mask.defined() ? mask.const_data_ptr<float>() : nullptr;
  const Points filters = filter_points(weight);
  batch.for_chunks(inputs + outputs, [&](int64_t first, int64_t rows) {
    const int64_t columns = rows * batch.tiles.row_length();
    Points from(outputs, columns), sums(inputs, columns);
    make_points(batch, Role::input, grad, first, rows, from);
    for_each_in_torch_pool(kWinogradPoints, [&](int64_t e) {
      at::Tensor sum = sums.point(e);
      at::mm_out(sum, filters.point(winograd_turned_point(e)).t(), from.point(e));
    });
    for_rows(batch, inputs, first, rows, to, [&](int64_t c, int64_t r, int64_t row, float* plane) {
      batch.tiles.write_outputs(sums.of_channel(c) + r * batch.tiles.row_length(), sums.stride(), row, plane,
                                masks != nullptr ? masks + (plane - to) : nullptr);
    });
  });
  return result;
}

at::Tensor winograd_weight_gradient(const at::Tensor& x, const at::Tensor& grad, int64_t dilation) {
  const Batch batch(x, dilation);
  const int64_t inputs = x.size(1), outputs = grad.size(1);
  Points sums(outputs, inputs);
  bool is_first = true;
  batch.for_chunks(inputs + outputs, [&](int64_t first, int64_t rows) {
    const int64_t columns = rows * batch.tiles.row_length();
    Points in(inputs, columns), from(outputs, columns);
    make_points(batch, Role::input, x, first, rows, in);
    make_points(batch, Role::output, grad, first, rows, from);
    for_each_in_torch_pool(kWinogradPoints, [&](int64_t e) {
      at::Tensor sum = sums.point(e);
      at::addmm_out(sum, sum, from.point(e), in.point(e).t(), is_first ? 0 : 1);
    });
    is_first = false;
  });
  const at::Tensor out = at::empty({outputs, inputs, 3, 3}, x.options());
  float* to = out.mutable_data_ptr<float>();
  for_ranges_in_torch_pool(outputs, kChannelGroup, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k)
      for (int64_t c = 0; c < inputs; ++c)
        winograd_gradient_of_filter(sums.of_channel(k) + c, sums.stride(), to + (k * inputs + c) * 9);
  });
  return out;
}

}  // namespace boxseg
