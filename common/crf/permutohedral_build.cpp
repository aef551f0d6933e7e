// Building a lattice: lift the points, name the vertices around each, sort and number them, find neighbours.
#include <algorithm>
#include <bit>
#include <cmath>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/parallel.h"
#include "common/crf/permutohedral.h"
#include "common/crf/permutohedral_kernel.h"

namespace boxseg::crf {
namespace {

constexpr int64_t kGrainBlocks = 512;

template <int D>
Elevation<D> make_elevation() {
  // In the reference's types: the product is a double, of a float and a double.
  const float deviation = static_cast<float>(std::sqrt(2.0 / 3.0) * (D + 1));
  Elevation<D> elevation;
  for (int i = 0; i < D; ++i)
    elevation.factor[i] = static_cast<float>(1.0 / std::sqrt(static_cast<double>((i + 2) * (i + 1))) * deviation);
  return elevation;
}

// Digits wide enough for all points whose features lie in 0 .. largest, their vertices and the neighbours of those.
template <int D>
VertexKeys<D> make_keys(const std::array<float, kMaxDimensions>& largest, const Elevation<D>& elevation) {
  double low[D + 1], high[D + 1];  // of the lifted coordinates; 0 and 1 times the sum of the later features ...
  double later = 0;
  for (int j = D; j > 0; --j) {
    const double reach = static_cast<double>(largest[j - 1]) * elevation.factor[j - 1];
    low[j] = -j * reach;
    high[j] = later;
    later += reach;
  }
  low[0] = 0;
  high[0] = later;
  // Differences of neighbouring coordinates cancel the sum: e_0 - e_1 = 2 f_1, e_j - e_{j+1} = (j + 2) f_{j+1} - j f_j.
  // A vertex's quotient is within 2.5 of coordinate / (D + 1), so a difference of two within 4; a neighbour adds 1.
  constexpr double kMargin = 6;
  double digit_low[D], digit_range[D];
  for (int i = 0; i < D; ++i) {
    double from = low[i], to = high[i];
    if (i < D - 1) {
      from = i == 0 ? 0 : static_cast<double>(-i) * largest[i - 1] * elevation.factor[i - 1];
      to = static_cast<double>(i + 2) * largest[i] * elevation.factor[i];
    }
    digit_low[i] = std::floor(from / (D + 1)) - kMargin;
    digit_range[i] = std::ceil(to / (D + 1)) + kMargin - digit_low[i] + 1;
  }
  VertexKeys<D> keys{};
  double cells = 1;
  uint64_t stride[D], origin = 0;
  for (int i = D - 1; i >= 0; --i) {
    stride[i] = cells < 0x1p63 ? static_cast<uint64_t>(cells) : 0;
    cells *= digit_range[i];
    origin -= static_cast<uint64_t>(static_cast<int64_t>(digit_low[i])) * stride[i];
  }
  if (cells >= 0x1p62) return keys;
  keys.origin = origin;
  for (int i = 0; i < D; ++i) keys.factor[i] = i == 0 ? stride[0] : stride[i] - stride[i - 1];
  keys.bits = std::bit_width(static_cast<uint64_t>(cells));
  return keys;
}

// Sorts words by their bits `first_bit` and up, stably; returns the buffer that holds the result.
uint64_t* radix_sort(uint64_t* words, uint64_t* other, int64_t count, int first_bit, int end_bit) {
  const int bits = end_bit - first_bit;
  const int passes = std::max(1, (bits + 10) / 11);
  const int digit_bits = (bits + passes - 1) / passes;
  std::vector<uint32_t> begin(size_t{1} << digit_bits);
  for (int pass = 0, shift = first_bit; pass < passes; ++pass, shift += digit_bits) {
    const uint64_t mask = begin.size() - 1;
    std::fill(begin.begin(), begin.end(), 0);
    for (int64_t i = 0; i < count; ++i) ++begin[(words[i] >> shift) & mask];
    uint32_t total = 0;
    for (uint32_t& b : begin) total += std::exchange(b, total);
    for (int64_t i = 0; i < count; ++i) other[begin[(words[i] >> shift) & mask]++] = words[i];
    std::swap(words, other);
  }
  return words;
}

// Scratch memory of tasks that run at the same time, at most one buffer for each.
class ScratchPool {
 public:
  explicit ScratchPool(std::vector<Buffer<uint64_t>>& buffers) : buffers_(buffers) {}
  Buffer<uint64_t> take() {
    std::lock_guard lock(mutex_);
    if (buffers_.empty()) return {};
    Buffer<uint64_t> buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
  }
  void give(Buffer<uint64_t> buffer) {
    std::lock_guard lock(mutex_);
    buffers_.push_back(std::move(buffer));
  }

 private:
  std::mutex mutex_;
  std::vector<Buffer<uint64_t>>& buffers_;
};

}  // namespace

template <int D>
struct PermutohedralLattice::Builder {
  PermutohedralLattice& lattice;
  const FeatureSource& features;
  const Options& options;
  uint64_t* words;  // [D+1, entries]: key << point_bits | point; later key << point_bits | first entry, M in all
  Elevation<D> elevation = make_elevation<D>();
  VertexKeys<D> keys = make_keys<D>(options.largest, elevation);
  int64_t points = lattice.points_, entries = lattice.entries_per_class_;
  int point_bits = std::bit_width(static_cast<uint64_t>(entries));
  std::array<int64_t, D + 1> class_size{};

  // Barycentric weights of all points, and the words of each class.
  void lift() {
    const int64_t blocks = (entries + kBlock - 1) / kBlock;
    float* weight = lattice.slice_weight_.data();
    parallel_for(blocks, kGrainBlocks, options.threads, [&](int64_t begin, int64_t end) {
      float feature[D][kBlock];
      SimplexBlock<D, kBlock> simplex;
      uint64_t key[kBlock];
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * kBlock;
        features(first, &feature[0][0]);
        find_simplex<D, kBlock>(feature, elevation, simplex);
        const int64_t lanes = std::min<int64_t>(kBlock, entries - first);
        const int64_t real_lanes = std::min<int64_t>(kBlock, points - first);
        for (int64_t l = 0; l < real_lanes; ++l)
          for (int r = 0; r <= D; ++r) weight[(first + l) * (D + 1) + r] = simplex.weight[r][l];
        for (int r = 0; r <= D; ++r) {
          vertex_keys<D, kBlock>(simplex, keys, r, key);
          uint64_t* to = words + r * entries + first;
          for (int64_t l = 0; l < lanes; ++l) to[l] = key[l] << point_bits | static_cast<uint64_t>(first + l);
        }
      }
    });
  }

  // Numbers the vertices of one class from 0 and lists the points of each.
  void number(int r, uint64_t* scratch) {
    uint64_t* const kept = words + r * entries;
    const uint64_t* const sorted = radix_sort(kept, scratch, entries, point_bits, point_bits + keys.bits);
    const uint64_t point_mask = (uint64_t{1} << point_bits) - 1;
    uint32_t* vertex_of_point = lattice.vertex_of_point_.data() + r;
    const float* weight = lattice.slice_weight_.data() + r;
    uint32_t* entry_point = lattice.entry_point_.data() + r * entries;
    float* entry_weight = lattice.entry_weight_.data() + r * entries;
    int64_t vertex = -1;
    uint64_t last_key = ~uint64_t{0};
    for (int64_t e = 0; e < entries; ++e) {
      const uint64_t word = sorted[e], key = word >> point_bits;
      const int64_t point = static_cast<int64_t>(word & point_mask);
      vertex += key != last_key;
      if (key != last_key) kept[vertex] = (word & ~point_mask) | static_cast<uint64_t>(e);  // e >= vertex: is read
      last_key = key;
      const bool is_origin = point >= points;
      entry_point[e] = is_origin ? 0 : static_cast<uint32_t>(point);
      entry_weight[e] = is_origin ? 0.0f : weight[point * (D + 1)];
      if (!is_origin) vertex_of_point[point * (D + 1)] = static_cast<uint32_t>(vertex);
    }
    class_size[r] = vertex + 1;
  }

  // The numbers within classes become numbers of all vertices.
  void join_classes() {
    const uint64_t point_mask = (uint64_t{1} << point_bits) - 1;
    lattice.entry_begin_[lattice.vertices_] = static_cast<uint32_t>((D + 1) * entries);
    for (int r = 0; r <= D; ++r) {
      uint32_t* begin = lattice.entry_begin_.data() + lattice.class_begin_[r];
      for (int64_t v = 0; v < class_size[r]; ++v)
        begin[v] = static_cast<uint32_t>(r * entries + static_cast<int64_t>(words[r * entries + v] & point_mask));
    }
    parallel_for(points, 65536, options.threads, [&](int64_t from, int64_t to) {
      uint32_t* vertex = lattice.vertex_of_point_.data() + from * (D + 1);
      for (int64_t p = from; p < to; ++p, vertex += D + 1)
        for (int r = 0; r <= D; ++r) vertex[r] += static_cast<uint32_t>(lattice.class_begin_[r]);
    });
  }

  // Neighbours along one axis between class r and the class below it: two ascending lists are merged.
  void merge(int r, int axis) {
    const int below = r == 0 ? D : r - 1;
    const uint64_t step = key_step<D>(keys, r, axis);
    const int64_t m = lattice.vertices_, na = class_size[r], nb = class_size[below];
    const uint64_t *a = words + r * entries, *b = words + below * entries;
    const uint32_t a_begin = static_cast<uint32_t>(lattice.class_begin_[r]);
    const uint32_t b_begin = static_cast<uint32_t>(lattice.class_begin_[below]);
    uint32_t* up = lattice.neighbours_.data() + (axis * m + a_begin) * 2;
    uint32_t* down = lattice.neighbours_.data() + (axis * m + b_begin) * 2 + 1;
    const uint32_t none = static_cast<uint32_t>(m);
    int64_t i = 0, k = 0;
    while (i < na && k < nb) {  // without branches: what is stored last for an i or k stays
      const uint64_t x = (a[i] >> point_bits) + step, y = b[k] >> point_bits;
      up[i * 2] = x == y ? b_begin + static_cast<uint32_t>(k) : none;
      down[k * 2] = x == y ? a_begin + static_cast<uint32_t>(i) : none;
      i += x <= y;
      k += y <= x;
    }
    for (; i < na; ++i) up[i * 2] = none;
    for (; k < nb; ++k) down[k * 2] = none;
  }
};

template <int D>
void PermutohedralLattice::build_dimensions(const FeatureSource& features, const Options& options, BuildSpace& space) {
  const int64_t entries = entries_per_class_;
  Builder<D> builder{*this, features, options, nullptr};
  if (builder.keys.bits == 0 || builder.keys.bits + builder.point_bits > 64)
    fail_input("CRF: kernels this narrow give an image of {} pixels too many lattice cells; "
               "use larger standard deviations", points_);
  const int tasks = std::min(options.threads, D + 1);
  const int64_t certain = options.other_bytes + lattice_point_bytes(D, entries) + entries * 8 * (D + 1 + tasks);
  require_memory(certain, options.memory_limit_bytes, points_);
  builder.words = space.words.reserve((D + 1) * entries);
  vertex_of_point_.reserve(points_ * (D + 1));
  slice_weight_.reserve(points_ * (D + 1));
  entry_point_.reserve((D + 1) * entries);
  entry_weight_.reserve((D + 1) * entries);
  builder.lift();
  ScratchPool pool(space.scratch);
  parallel_for(D + 1, 1, options.threads, [&](int64_t from, int64_t to) {
    Buffer<uint64_t> scratch = pool.take();
    for (int64_t r = from; r < to; ++r) builder.number(static_cast<int>(r), scratch.reserve(entries));
    pool.give(std::move(scratch));
  });
  class_begin_[0] = 0;
  for (int r = 0; r <= D; ++r) class_begin_[r + 1] = class_begin_[r] + builder.class_size[r];
  vertices_ = class_begin_[D + 1];
  require_memory(certain + vertices_ * vertex_bytes(D, options.row_width), options.memory_limit_bytes, points_);
  entry_begin_.reserve(vertices_ + 1);
  builder.join_classes();
  neighbours_.reserve((D + 1) * vertices_ * 2);
  parallel_for((D + 1) * (D + 1), 1, options.threads, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) builder.merge(static_cast<int>(i / (D + 1)), static_cast<int>(i % (D + 1)));
  });
}

int64_t lattice_point_bytes(int dimensions, int64_t points) { return points * (dimensions + 1) * 16; }

int64_t vertex_bytes(int dimensions, int row_width) { return (dimensions + 1) * 8 + 4 + row_width * 8; }

void require_memory(int64_t needed, int64_t limit, int64_t points) {
  if (needed > limit)
    fail_input("CRF: an image of {} pixels needs {:.1f} GB of memory, more than the limit of {:.1f} GB; make the image "
               "smaller, cut it into pieces, or raise the limit",
               points, static_cast<double>(needed) * 1e-9, static_cast<double>(limit) * 1e-9);
}

void PermutohedralLattice::build(int64_t points, const FeatureSource& features, const Options& options,
                                 BuildSpace& space) {
  ensure(points >= 1, "a lattice of {} points", points);
  dimensions_ = options.dimensions;
  points_ = points;
  entries_per_class_ = points + (options.has_origin ? 1 : 0);
  if (entries_per_class_ * (dimensions_ + 1) >= int64_t{1} << 32)
    fail_input("CRF: {} pixels are more than the {} that can be numbered; cut the image into pieces", points,
               (int64_t{1} << 32) / (dimensions_ + 1) - 1);
  switch (dimensions_) {
    case 2: return build_dimensions<2>(features, options, space);
    case 5: return build_dimensions<5>(features, options, space);
    default: fail("a lattice of {} dimensions: expected 2 or 5", dimensions_);
  }
}

}  // namespace boxseg::crf
