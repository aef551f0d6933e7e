#include "common/crf/dense_crf.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/crf/mean_field.h"
#include "common/crf/panels.h"
#include "common/crf/permutohedral.h"
#include "common/crf/pixel_order.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

using crf::Buffer;
using crf::kLift;
using crf::Panels;
using crf::PermutohedralLattice;
using crf::PixelOrder;

constexpr int64_t kKeptBytes = int64_t{256} << 20;  // larger buffers are given back early
// Smaller ones are never given back: the system fills their pages with zeros each time anew, which takes longer than
// what goes on in them.
constexpr int64_t kSmallBytes = int64_t{16} << 20;

// Arrays with values per pixel come in two kinds. Beliefs, which take turns with messages, and unaries, whose place the
// result takes, share memory with the building of lattices (panel_bytes). A constant, the norm, and what the caller
// holds, probabilities and image, do not (pixel_bytes).
int64_t unary_columns(int64_t labels) { return std::max(Panels::for_labels(labels).columns(), labels); }
int64_t panel_bytes(int64_t labels, int64_t points) {
  return points * 4 * (unary_columns(labels) + Panels::for_labels(labels).columns());
}
int64_t pixel_bytes(int64_t labels, int64_t points) { return points * (4 * (2 + labels) + 3); }

// Says how panels are filtered: `together` of them by the same pass over the lattices, and `at_once` such groups at the
// same time, each by one thread. Two together read vertices, weights and neighbours once for both, as long as what they
// hold at vertices is little: beyond that it costs memory, and leaves the cache.
struct Grouping {
  static constexpr int64_t kPairBytes = int64_t{16} << 20;
  int64_t together, at_once;
  Grouping(const Panels& panels, int threads, int64_t vertices)
      : together(may_pair(panels, threads) && vertices * 2 * panels.width * 4 * threads <= kPairBytes ? 2 : 1),
        at_once(panels.count >= together * threads ? threads : 1) {}
  int64_t panels() const { return together * at_once; }
  static bool may_pair(const Panels& panels, int threads) { return panels.count >= 2 * threads; }
  // Returns how many floats per vertex are held together without pairs.
  static int row_width(const Panels& panels, int threads) {
    return panels.width * (panels.count >= threads ? threads : 1);
  }
  // Returns what pairs may add: half of these bytes at vertices, and no more than that for blurring.
  static int64_t pair_bytes(const Panels& panels, int threads) { return may_pair(panels, threads) ? kPairBytes : 0; }
};

}  // namespace

struct DenseCrf::Impl {
  // Holds a kernel's lattice and weight.
  struct Kernel {
    PermutohedralLattice lattice;
    double weight = 0;
    std::vector<Buffer<float>> values{1};  // at its vertices, for each panel that is filtered at the same time
    void release() {
      lattice = {};
      values = std::vector<Buffer<float>>(1);
    }
    int64_t vertices() const { return weight > 0 ? lattice.vertices() : 0; }
    float factor() const { return static_cast<float>(weight) * lattice.alpha(); }
    int64_t bytes() const { return weight > 0 ? lattice.bytes() : 0; }
  };

  CrfOptions options;
  int threads = 1;
  const InstructionSet instructions = instruction_set();
  PixelOrder order;
  Kernel gaussian, bilateral;
  int64_t gaussian_height = 0, gaussian_width = 0;  // size of the image that the Gaussian lattice was made for
  std::vector<Buffer<float>> scratch{1};            // for blurring, of either kernel; one for each panel
  crf::BuildSpace space;                            // its words then hold unary and beliefs
  float *unary = nullptr, *beliefs = nullptr;       // panels; beliefs take turns with the messages they send
  // Both are what the kernels make of a constant 1 after normalisation, [P]. The Gaussian's is kept with its lattice;
  // `last` is first the norm of either, then the bilateral's constant, then the belief in the last label.
  Buffer<float> gaussian_constant, last;

  int64_t points() const { return order.height * order.width; }
  void prepare_kernels(std::span<const uint8_t> rgb, int64_t labels);
  void prepare_kernel(Kernel& kernel, const PermutohedralLattice::Options& lattice_options,
                      const crf::FeatureSource& features, Buffer<float>& constant);
  void begin(std::span<const float> probabilities, int64_t labels, int64_t iterations);
  bool prepare_unary(std::span<const float> probabilities, int64_t labels, int64_t from, int64_t to);
  void subtract_constants(const Panels& panels, int64_t from, int64_t to);
  void update(const Panels& panels, const float* messages, bool is_last, int64_t from, int64_t to);
  void pass_messages(const Panels& panels);
  void pass_group(const Panels& panels, int64_t first, int64_t last, size_t slot, int group_threads);
  std::span<const float> result(const Panels& panels, int64_t labels);
};

// The norm is, as in pydensecrf, 1 / sqrt(K 1 + 1e-20), and is applied before and after the filter.
void DenseCrf::Impl::prepare_kernel(Kernel& kernel, const PermutohedralLattice::Options& lattice_options,
                                    const crf::FeatureSource& features, Buffer<float>& constant) {
  const int64_t n = points();
  kernel.lattice.build(n, features, lattice_options, space);
  // Filtering needs the most memory, and nothing that was made here.
  if (space.key_bytes() > kSmallBytes) space.class_keys = {};
  if (space.words.bytes() > std::clamp(lattice_options.later_bytes, kSmallBytes, kKeptBytes)) space.words.release();
  float* scale = last.reserve(n);
  kernel.lattice.filter_ones(scale, threads, kernel.values[0], scratch[0]);
  for (int64_t p = 0; p < n; ++p) scale[p] = static_cast<float>(1.0 / std::sqrt(scale[p] + 1e-20));
  kernel.lattice.scale_weights(scale, threads);
  kernel.lattice.filter_ones(constant.reserve(n), threads, kernel.values[0], scratch[0]);
}

void DenseCrf::Impl::prepare_kernels(std::span<const uint8_t> rgb, int64_t labels) {
  const int64_t n = points();
  for (auto* buffers : {&gaussian.values, &bilateral.values, &scratch})
    for (auto& buffer : *buffers)  // the most is needed while a lattice is built
      if (buffer.bytes() > kSmallBytes) buffer.release();
  PermutohedralLattice::Options o;
  o.has_origin = n % 4 != 0;
  o.threads = threads;
  const Panels panels = Panels::for_labels(labels);
  o.row_width = Grouping::row_width(panels, threads);
  const int64_t other_bytes = pixel_bytes(labels, n) + Grouping::pair_bytes(panels, threads);
  o.later_bytes = panel_bytes(labels, n);
  o.memory_limit_bytes = options.memory_limit_bytes;
  const auto largest = [](int64_t size, float deviation) { return static_cast<float>(size - 1) / deviation; };
  if (gaussian.weight > 0 && (gaussian_height != order.height || gaussian_width != order.width)) {
    gaussian_height = gaussian_width = 0;  // an exception on the way must not leave a lattice of another size behind
    if (bilateral.bytes() > kKeptBytes) bilateral.release();
    const float sxy = static_cast<float>(options.gaussian_xy);
    o.dimensions = 2;
    o.largest = {largest(order.width, sxy), largest(order.height, sxy)};
    o.other_bytes = other_bytes + bilateral.bytes();
    prepare_kernel(
        gaussian, o,
        [&](int64_t first, float* feature) {
          order.for_points(
              first, kLift,
              [&](int lane, int64_t x, int64_t y) {
                feature[lane] = static_cast<float>(x) / sxy;
                feature[kLift + lane] = static_cast<float>(y) / sxy;
              },
              [&](int lane) { feature[lane] = feature[kLift + lane] = 0; });
        },
        gaussian_constant);
    gaussian_height = order.height;
    gaussian_width = order.width;
  }
  if (bilateral.weight > 0) {
    const float sxy = static_cast<float>(options.bilateral_xy), srgb = static_cast<float>(options.bilateral_rgb);
    o.dimensions = 5;
    o.largest = {largest(order.width, sxy), largest(order.height, sxy), 255 / srgb, 255 / srgb, 255 / srgb};
    o.other_bytes = other_bytes;
    if (gaussian_height > 0) o.other_bytes += gaussian.bytes() + gaussian.lattice.vertices() * 2 * 4 * o.row_width;
    prepare_kernel(
        bilateral, o,
        [&](int64_t first, float* feature) {
          order.for_points(
              first, kLift,
              [&](int lane, int64_t x, int64_t y) {
                const uint8_t* pixel = &rgb[static_cast<size_t>((y * order.width + x) * 3)];
                feature[lane] = static_cast<float>(x) / sxy;
                feature[kLift + lane] = static_cast<float>(y) / sxy;
                for (int c = 0; c < 3; ++c) feature[(2 + c) * kLift + lane] = static_cast<float>(pixel[c]) / srgb;
              },
              [&](int lane) {
                for (int d = 0; d < 5; ++d) feature[d * kLift + lane] = 0;
              });
        },
        last);
  }
}

// Fills panels with log-probabilities; returns false where they hold NaN or infinity.
bool DenseCrf::Impl::prepare_unary(std::span<const float> probabilities, int64_t labels, int64_t from, int64_t to) {
  static_assert(PixelOrder::kStrip <= crf::kMostTogether);
  const Panels panels = Panels::for_labels(labels);
  bool is_finite = true;
  order.for_runs(from, to - from, [&](int64_t i, int64_t x, int64_t y, int64_t length) {
    is_finite &= crf::log_ratios(probabilities.data() + y * order.width + x, points(), labels, kCrfProbabilityFloor,
                                 panels, points(), length, unary + (from + i) * panels.width);
  });
  return is_finite;
}

void DenseCrf::Impl::subtract_constants(const Panels& panels, int64_t from, int64_t to) {
  const std::pair<const Kernel*, const float*> constants[] = {{&gaussian, gaussian_constant.data()},
                                                              {&bilateral, last.data()}};
  for (const auto& [kernel, constant] : constants) {
    if (kernel->weight == 0) continue;
    const float weight = static_cast<float>(kernel->weight);
    for (int64_t i = 0; i < panels.count; ++i)
      for (int64_t p = from; p < to; ++p)
        for (int c = 0; c < panels.width; ++c) unary[(i * points() + p) * panels.width + c] -= weight * constant[p];
  }
}

void DenseCrf::Impl::update(const Panels& panels, const float* messages, bool is_last, int64_t from, int64_t to) {
  crf::update_beliefs({panels, points(), unary, messages, beliefs, is_last ? last.data() : nullptr}, from, to,
                      instructions);
}

// Makes the unaries, and the beliefs before the first message.
void DenseCrf::Impl::begin(std::span<const float> probabilities, int64_t labels, int64_t iterations) {
  const int64_t n = points();
  const Panels panels = Panels::for_labels(labels);
  unary = reinterpret_cast<float*>(space.words.reserve((panel_bytes(labels, n) + 7) / 8));
  beliefs = unary + n * unary_columns(labels);
  last.reserve(n);
  std::atomic<bool> is_finite = true;
  parallel_for(n, crf::kBeliefGrain, threads, [&](int64_t from, int64_t to) {
    if (!prepare_unary(probabilities, labels, from, to)) is_finite = false;
    update(panels, nullptr, iterations == 0, from, to);
    if (iterations > 0) subtract_constants(panels, from, to);
  });
  if (!is_finite) fail_input("CRF: the probabilities hold NaN or infinity; check the scores they come from");
}

// Replaces the beliefs of panels first .. last - 1 by their messages.
void DenseCrf::Impl::pass_group(const Panels& panels, int64_t first, int64_t last, size_t slot, int group_threads) {
  const int64_t step = points() * panels.width;
  const crf::PointRows<float> rows{beliefs + first * step, panels.width, static_cast<int>(last - first), step};
  for (Kernel* kernel : {&gaussian, &bilateral})
    if (kernel->weight > 0) kernel->lattice.splat_and_blur(rows, group_threads, kernel->values[slot], scratch[slot]);
  parallel_for(points(), crf::kBeliefGrain, group_threads, [&](int64_t from, int64_t to) {
    for (int i = 0; i < rows.panels; ++i)
      std::fill_n(rows.from(from).first + i * step, (to - from) * panels.width, 0.0f);
    for (const Kernel* kernel : {&gaussian, &bilateral})
      if (kernel->weight > 0) kernel->lattice.slice(kernel->values[slot], rows, kernel->factor(), from, to);
  });
}

// Filters as many groups at a time as there are threads, which then need not wait for each other; all threads share the
// rest.
void DenseCrf::Impl::pass_messages(const Panels& panels) {
  const Grouping grouping(panels, threads, gaussian.vertices() + bilateral.vertices());
  const int64_t together = grouping.together, at_once = grouping.at_once;
  const int64_t alone = panels.count - panels.count % grouping.panels();
  for (auto* buffers : {&gaussian.values, &bilateral.values, &scratch}) buffers->resize(static_cast<size_t>(at_once));
  parallel_for(at_once, 1, static_cast<int>(at_once), [&](int64_t from, int64_t to) {
    for (int64_t slot = from; slot < to; ++slot)
      for (int64_t i = slot * together; i < alone; i += grouping.panels())
        pass_group(panels, i, i + together, static_cast<size_t>(slot), 1);
  });
  for (int64_t i = alone; i < panels.count; i += together)
    pass_group(panels, i, std::min(i + together, panels.count), 0, threads);
}

std::span<const float> DenseCrf::Impl::result(const Panels& panels, int64_t labels) {
  const int64_t n = points();
  float* const q = unary;
  parallel_for(n, crf::kBeliefGrain, threads, [&](int64_t from, int64_t to) {
    order.for_runs(from, to - from, [&](int64_t i, int64_t x, int64_t y, int64_t length) {
      const int64_t point = from + i, pixel = y * order.width + x;
      crf::planes_of(beliefs + point * panels.width, panels, n, length, labels, n, q + pixel);
      std::copy_n(last.data() + point, length, q + (labels - 1) * n + pixel);
    });
  });
  return {q, static_cast<size_t>(labels * n)};
}

DenseCrf::DenseCrf(CrfOptions options, int threads) : impl_(std::make_unique<Impl>()) {
  options.check();
  ensure(threads >= 1, "CRF: {} threads, expected at least 1", threads);
  impl_->options = options;
  impl_->threads = threads;
  impl_->gaussian.weight = options.gaussian_weight;
  impl_->bilateral.weight = options.bilateral_weight;
}
DenseCrf::~DenseCrf() = default;
DenseCrf::DenseCrf(DenseCrf&&) noexcept = default;

void DenseCrf::require_memory(int64_t labels, int64_t height, int64_t width) const {
  const int64_t pixels = height * width;
  crf::require_memory(pixel_bytes(labels, pixels) + panel_bytes(labels, pixels), impl_->options.memory_limit_bytes,
                      pixels);
}

std::vector<float> DenseCrf::infer(std::span<const uint8_t> rgb, std::span<const float> probabilities, int64_t labels,
                                   int64_t height, int64_t width) {
  const std::span<const float> q = infer_view(rgb, probabilities, labels, height, width);
  return {q.begin(), q.end()};
}

std::span<const float> DenseCrf::infer_view(std::span<const uint8_t> rgb, std::span<const float> probabilities,
                                            int64_t labels, int64_t height, int64_t width) {
  if (labels < 1 || height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX || labels > INT32_MAX)
    fail_input("CRF: {} labels, height {} and width {}: expected at least 1 of each", labels, height, width);
  const int64_t pixels = height * width;
  if (static_cast<int64_t>(rgb.size()) != pixels * 3)
    fail_input("CRF: the image has {} bytes, expected {} (height {} x width {} x 3)", rgb.size(), pixels * 3, height,
               width);
  if (static_cast<double>(pixels) * static_cast<double>(labels) != static_cast<double>(probabilities.size()))
    fail_input("CRF: there are {} probabilities, expected {} labels x height {} x width {}", probabilities.size(),
               labels, height, width);
  Impl& m = *impl_;
  m.order = {height, width};
  const Panels panels = Panels::for_labels(labels);
  require_memory(labels, height, width);
  const int64_t iterations = labels == 1 ? 0 : m.options.iterations;
  if (iterations > 0) m.prepare_kernels(rgb, labels);
  m.begin(probabilities, labels, iterations);
  const bool has_kernels = m.gaussian.weight > 0 || m.bilateral.weight > 0;
  for (int64_t i = 0; i < iterations; ++i) {
    if (has_kernels) m.pass_messages(panels);
    parallel_for(pixels, crf::kBeliefGrain, m.threads, [&](int64_t from, int64_t to) {
      m.update(panels, has_kernels ? m.beliefs : nullptr, i + 1 == iterations, from, to);
    });
  }
  return m.result(panels, labels);
}

int64_t crf_memory_bytes(int64_t labels, int64_t height, int64_t width, int threads) {
  const int64_t points = height * width, entries = points + 1;
  const Panels panels = Panels::for_labels(labels);
  const int index_bytes = entries <= UINT16_MAX ? 2 : 4;
  int64_t bytes = pixel_bytes(labels, points) + Grouping::pair_bytes(panels, threads) +
                  std::max(panel_bytes(labels, points), crf::lattice_build_bytes(5, entries, entries * 6, threads));
  for (const int d : {2, 5})
    bytes += crf::lattice_point_bytes(d, entries, index_bytes) +
             crf::lattice_vertex_bytes(d, entries * (d + 1), Grouping::row_width(panels, threads));
  return bytes;
}

}  // namespace boxseg
