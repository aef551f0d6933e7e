#include "common/crf/dense_crf.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "common/base/error.h"
#include "common/base/parallel.h"
#include "common/crf/mean_field.h"
#include "common/crf/permutohedral.h"
#include "common/crf/simd.h"

namespace boxseg {
namespace {

using crf::Buffer;
using crf::kBlock;
using crf::PermutohedralLattice;

constexpr int64_t kGrainPixels = 2048;
constexpr int64_t kKeptBytes = int64_t{256} << 20;  // larger buffers are given back early

void require(bool holds, const char* option, const char* what, double value, const char* expected) {
  if (!holds) fail_usage("{}: the {} is {}, expected {}", option, what, value, expected);
}

// The order in which pixels are kept: strips of kStrip columns, row by row inside a strip. Pixels that lie together in
// the image, and with them their lattice vertices, then lie together in memory.
constexpr int64_t kStrip = 64;
struct PixelOrder {
  int64_t height = 0, width = 0;
  struct Position {
    int64_t x, y, strip_begin, strip_width;
    int64_t pixel(int64_t width) const { return y * width + x; }
  };
  Position position(int64_t point) const {
    const int64_t strip = std::min(point / (kStrip * height), (width - 1) / kStrip);
    const int64_t begin = strip * kStrip, strip_width = std::min(kStrip, width - begin);
    const int64_t rest = point - begin * height;
    return {begin + rest % strip_width, rest / strip_width, begin, strip_width};
  }
  // Points follow each other along a row of their strip.
  void advance(Position& at) const {
    if (++at.x < at.strip_begin + at.strip_width) return;
    at.x = at.strip_begin;
    if (++at.y < height) return;
    at.y = 0;
    at.strip_begin += kStrip;
    at.x = at.strip_begin;
    at.strip_width = std::min(kStrip, width - at.strip_begin);
  }
};

// Of the arrays with a row per pixel: beliefs, unaries, scores, norm and the result.
int64_t pixel_bytes(int64_t labels, int64_t points) {
  return points * 4 * (3 * crf::padded_columns(labels) + 1 + labels);
}

}  // namespace

void CrfOptions::check() const {
  const auto is_weight = [](double w) { return std::isfinite(w) && w >= 0; };
  const auto is_deviation = [](double s) { return std::isfinite(s) && s >= 1e-3 && s <= 1e6; };
  require(is_weight(bilateral_weight), "--bilateral", "weight", bilateral_weight, "a number >= 0");
  require(is_deviation(bilateral_xy), "--bilateral", "standard deviation in pixels", bilateral_xy, "0.001 to 1000000");
  require(is_deviation(bilateral_rgb), "--bilateral", "standard deviation in grey levels", bilateral_rgb,
          "0.001 to 1000000");
  require(is_weight(gaussian_weight), "--gaussian", "weight", gaussian_weight, "a number >= 0");
  require(is_deviation(gaussian_xy), "--gaussian", "standard deviation in pixels", gaussian_xy, "0.001 to 1000000");
  if (iterations < 0 || iterations > 100000) fail_usage("--iterations {}: expected 0 to 100000", iterations);
}

struct DenseCrf::Impl {
  CrfOptions options;
  int threads = 1;
  PixelOrder order;
  PermutohedralLattice gaussian, bilateral;
  int64_t gaussian_height = 0, gaussian_width = 0;  // of the image that the Gaussian lattice was made for
  crf::BuildSpace build_space;
  Buffer<float> belief, unary, scores, norm;

  int64_t points() const { return order.height * order.width; }

  // pydensecrf: norm = 1 / sqrt(K 1 + 1e-20), before and after the filter; the Potts weight is folded in.
  void normalise(PermutohedralLattice& lattice, double weight) {
    float* scale = norm.reserve(points());
    lattice.filter_ones(scale, threads);
    for (int64_t p = 0; p < points(); ++p) scale[p] = static_cast<float>(1.0 / std::sqrt(scale[p] + 1e-20));
    lattice.scale_weights(scale, static_cast<float>(weight), threads);
  }

  void build_lattice(PermutohedralLattice& lattice, std::span<const uint8_t> rgb, double xy, double colour,
                     int64_t labels) {
    const bool has_colour = !rgb.empty();
    const float sxy = static_cast<float>(xy), srgb = static_cast<float>(colour);
    PermutohedralLattice::Options o;
    o.dimensions = has_colour ? 5 : 2;
    o.largest = {static_cast<float>(order.width - 1) / sxy, static_cast<float>(order.height - 1) / sxy, 255 / srgb,
                 255 / srgb, 255 / srgb};
    o.has_origin = points() % 4 != 0;
    o.threads = threads;
    o.row_width = crf::padded_width(std::min<int64_t>(labels, crf::kMaxWidth));
    o.other_bytes = pixel_bytes(labels, points()) + (&lattice == &bilateral ? gaussian : bilateral).bytes();
    o.memory_limit_bytes = options.memory_limit_bytes;
    lattice.build(
        points(),
        [&](int64_t first, float* feature) {
          PixelOrder::Position at{};
          if (first < points()) at = order.position(first);
          for (int l = 0; l < kBlock; ++l) {
            const bool is_pixel = first + l < points();
            const uint8_t* pixel = has_colour && is_pixel ? &rgb[static_cast<size_t>(at.pixel(order.width) * 3)] : nullptr;
            feature[l] = is_pixel ? static_cast<float>(at.x) / sxy : 0;
            feature[kBlock + l] = is_pixel ? static_cast<float>(at.y) / sxy : 0;
            for (int c = 0; c < 3 && has_colour; ++c)
              feature[(2 + c) * kBlock + l] = is_pixel ? static_cast<float>(pixel[c]) / srgb : 0;
            if (is_pixel) order.advance(at);
          }
        },
        o, build_space);
    if (build_space.words.bytes() > kKeptBytes) build_space = {};
  }

  // Before it is made again, so that an exception on the way leaves no lattice of another size behind.
  void forget_gaussian() {
    gaussian_height = gaussian_width = 0;
    if (gaussian.bytes() > kKeptBytes) gaussian = {};
  }

  std::vector<float> infer(std::span<const uint8_t> rgb, std::span<const float> probabilities, int64_t labels);
};

std::vector<float> DenseCrf::Impl::infer(std::span<const uint8_t> rgb, std::span<const float> probabilities,
                                         int64_t labels) {
  const int64_t n = points();
  if (options.bilateral_weight > 0) {
    if (gaussian_height * gaussian_width != n) forget_gaussian();
    build_lattice(bilateral, rgb, options.bilateral_xy, options.bilateral_rgb, labels);
    normalise(bilateral, options.bilateral_weight);
  }
  if (options.gaussian_weight > 0 && (gaussian_height != order.height || gaussian_width != order.width)) {
    forget_gaussian();
    build_lattice(gaussian, {}, options.gaussian_xy, 1, labels);
    normalise(gaussian, options.gaussian_weight);
    gaussian_height = order.height;
    gaussian_width = order.width;
  }
  const int64_t stride = crf::padded_columns(labels);
  belief.reserve(n * stride);
  unary.reserve(n * stride);
  scores.reserve(n * stride);

  std::atomic<bool> is_bad = false;
  parallel_for(n, kGrainPixels, threads, [&](int64_t from, int64_t to) {
    auto at = order.position(from);
    for (int64_t p = from; p < to; ++p, order.advance(at)) {
      float* row = unary.data() + p * stride;
      for (int64_t k = 0; k < labels; ++k) {
        const float value = probabilities[static_cast<size_t>(k * n + at.pixel(order.width))];
        if (!std::isfinite(value)) is_bad = true;
        row[k] = std::log(std::clamp(value, kCrfProbabilityFloor, 1.0f));
      }
      for (int64_t k = labels; k < stride; ++k) row[k] = crf::kNoLabel;
    }
    crf::softmax_rows(unary.data() + from * stride, belief.data() + from * stride, stride, labels, to - from);
  });
  if (is_bad) fail_input("CRF: the probabilities hold NaN or infinity; check the scores they come from");

  for (int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    std::copy_n(unary.data(), n * stride, scores.data());
    for (PermutohedralLattice* lattice : {&gaussian, &bilateral}) {
      if ((lattice == &gaussian ? options.gaussian_weight : options.bilateral_weight) == 0) continue;
      for (int64_t column = 0; column < stride; column += crf::kMaxWidth) {
        const int width = crf::padded_width(stride - column);
        lattice->splat_and_blur(belief.data() + column, stride, width, threads);
        parallel_for(n, kGrainPixels, threads, [&](int64_t from, int64_t to) {
          lattice->slice(scores.data() + column, stride, width, from, to);
        });
      }
    }
    parallel_for(n, kGrainPixels, threads, [&](int64_t from, int64_t to) {
      crf::softmax_rows(scores.data() + from * stride, belief.data() + from * stride, stride, labels, to - from);
    });
  }

  std::vector<float> result(static_cast<size_t>(labels * n));
  parallel_for(n, kGrainPixels, threads, [&](int64_t from, int64_t to) {
    auto at = order.position(from);
    for (int64_t p = from; p < to; ++p, order.advance(at))
      for (int64_t k = 0; k < labels; ++k)
        result[static_cast<size_t>(k * n + at.pixel(order.width))] = belief[p * stride + k];
  });
  return result;
}

DenseCrf::DenseCrf(CrfOptions options, int threads) : impl_(std::make_unique<Impl>()) {
  options.check();
  ensure(threads >= 1, "CRF: {} threads, expected at least 1", threads);
  impl_->options = options;
  impl_->threads = threads;
}
DenseCrf::~DenseCrf() = default;
DenseCrf::DenseCrf(DenseCrf&&) noexcept = default;

std::vector<float> DenseCrf::infer(std::span<const uint8_t> rgb, std::span<const float> probabilities, int64_t labels,
                                   int64_t height, int64_t width) {
  if (labels < 1 || height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX || labels > INT32_MAX)
    fail_input("CRF: {} labels, height {} and width {}: expected at least 1 of each", labels, height, width);
  const int64_t pixels = height * width;
  if (static_cast<int64_t>(rgb.size()) != pixels * 3)
    fail_input("CRF: the image has {} bytes, expected {} (height {} x width {} x 3)", rgb.size(), pixels * 3, height,
               width);
  if (static_cast<double>(pixels) * static_cast<double>(labels) != static_cast<double>(probabilities.size()))
    fail_input("CRF: there are {} probabilities, expected {} labels x height {} x width {}", probabilities.size(),
               labels, height, width);
  impl_->order = {height, width};
  return impl_->infer(rgb, probabilities, labels);
}

int64_t crf_memory_bytes(int64_t labels, int64_t height, int64_t width, int threads) {
  const int64_t points = height * width, entries = points + 1;
  const int row_width = crf::padded_width(std::min<int64_t>(labels, crf::kMaxWidth));
  int64_t bytes = pixel_bytes(labels, points);
  for (const int d : {2, 5})
    bytes += crf::lattice_point_bytes(d, entries) + entries * (d + 1) * crf::vertex_bytes(d, row_width);
  return bytes + entries * 8 * (6 + std::min(threads, 6));
}

}  // namespace boxseg
