// Building a lattice: lift the points, name the vertices around each, sort and number them, find neighbours.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/parallel.h"
#include "common/crf/permutohedral.h"
#include "common/crf/permutohedral_kernel.h"
#include "common/crf/simd.h"

namespace boxseg::crf {
namespace {

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
  double reach[D];
  for (int i = 0; i < D; ++i) reach[i] = static_cast<double>(largest[i]) * elevation.factor[i];
  // Lifted coordinates e: e_0 - e_1 = 2 f_0, e_i - e_{i+1} = (i + 2) f_i - i f_{i-1}; the last digit is that of
  // e_{D-1} = f_{D-1} - (D - 1) f_{D-2} alone. A vertex around a point, and so a digit, is off by less than
  // (D + 1) + r, its neighbours by D + 1 more.
  constexpr double kMargin = 3.01;
  double digit_low[D], digit_range[D];
  for (int i = 0; i < D; ++i) {
    const double from = i == 0 ? 0 : -i * reach[i - 1];
    const double to = i < D - 1 ? (i + 2) * reach[i] : reach[i];
    digit_low[i] = std::floor(from / (D + 1) - kMargin);
    digit_range[i] = std::ceil(to / (D + 1) + kMargin) - digit_low[i] + 1;
  }
  VertexKeys<D> keys{};
  double cells = 1;
  uint64_t stride[D], origin = 0;
  for (int i = D - 1; i >= 0; --i) {
    if (cells >= 0x1p62) return keys;
    stride[i] = static_cast<uint64_t>(cells);
    cells *= digit_range[i];
    origin -= static_cast<uint64_t>(static_cast<int64_t>(digit_low[i])) * stride[i];
  }
  if (cells >= 0x1p62) return keys;
  keys.origin = origin;
  for (int i = 0; i < D; ++i) keys.factor[i] = i == 0 ? stride[0] : stride[i] - stride[i - 1];
  keys.bits = std::bit_width(static_cast<uint64_t>(cells));
  return keys;
}

// Sorts words by their bits first_bit .. end_bit - 1, stably; returns the buffer that holds the result.
const uint64_t* radix_sort(uint64_t* words, uint64_t* other, int64_t count, int first_bit, int end_bit) {
  constexpr int kMaxDigitBits = 11;
  const int bits = end_bit - first_bit;
  const int passes = (bits + kMaxDigitBits - 1) / kMaxDigitBits;
  const int digit_bits = (bits + passes - 1) / passes;
  const uint64_t digits = uint64_t{1} << digit_bits;
  std::vector<uint32_t> begins(static_cast<size_t>(passes) * digits);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t rest = words[i] >> first_bit;
    for (int pass = 0; pass < passes; ++pass, rest >>= digit_bits)
      ++begins[static_cast<size_t>(pass) * digits + (rest & (digits - 1))];
  }
  for (int pass = 0; pass < passes; ++pass) {
    uint32_t* begin = begins.data() + static_cast<size_t>(pass) * digits;
    uint32_t total = 0;
    for (uint64_t d = 0; d < digits; ++d) total += std::exchange(begin[d], total);
    const int shift = first_bit + pass * digit_bits;
    for (int64_t i = 0; i < count; ++i) other[begin[(words[i] >> shift) & (digits - 1)]++] = words[i];
    std::swap(words, other);
  }
  return words;
}

// Pieces of scratch memory for tasks that run at the same time.
class ScratchPool {
 public:
  ScratchPool(uint64_t* words, int64_t piece, int count) {
    for (int i = 0; i < count; ++i) free_.push_back(words + i * piece);
  }
  uint64_t* take() {
    std::lock_guard lock(mutex_);
    uint64_t* piece = free_.back();
    free_.pop_back();
    return piece;
  }
  void give(uint64_t* piece) {
    std::lock_guard lock(mutex_);
    free_.push_back(piece);
  }

 private:
  std::mutex mutex_;
  std::vector<uint64_t*> free_;
};

int64_t groups_of(int64_t points) { return (points + kGroup - 1) / kGroup; }

}  // namespace

template <int D>
struct PermutohedralLattice::Builder {
  static constexpr int kClasses = D + 1;
  PermutohedralLattice& lattice;
  const FeatureSource& features;
  const Options& options;
  int64_t points = lattice.points_, entries = points + (options.has_origin ? 1 : 0);
  uint64_t* words = nullptr;  // [D+1, entries]: key << point_bits | point; later the keys of the vertices
  Elevation<D> elevation = make_elevation<D>();
  VertexKeys<D> keys = make_keys<D>(options.largest, elevation);
  int point_bits = std::bit_width(static_cast<uint64_t>(entries));
  std::array<int64_t, kClasses> class_size{};
  std::array<int64_t, kClasses + 1> class_begin{};

  // Barycentric weights of all points, and the words of each class. The origin is the point after the last.
  void lift() {
    float* weight = lattice.weight_.data();
    parallel_for(groups_of(entries), 256, options.threads, [&](int64_t from, int64_t to) {
      Float8 feature[D];
      Simplex<D, Float8, Int8> simplex;
      Word8 key[kClasses];
      for (int64_t first = from * kGroup; first < to * kGroup; first += kLift) {
        features(first, reinterpret_cast<float*>(feature));
        find_simplex(feature, elevation, simplex);
        vertex_keys(simplex, keys, key);
        float* group = weight + first / kGroup * kGroup * kClasses + first % kGroup;
        for (int r = 0; r < kClasses; ++r) std::memcpy(group + r * kGroup, &simplex.weight[r], sizeof(Float8));
        for (int64_t l = std::max<int64_t>(0, points - first); l < kLift; ++l)
          for (int r = 0; r < kClasses; ++r) group[r * kGroup + l] = 0;
        const Word8 point = static_cast<uint64_t>(first) + Word8{0, 1, 2, 3, 4, 5, 6, 7};
        const size_t lanes = static_cast<size_t>(std::clamp<int64_t>(entries - first, 0, kLift));
        for (int r = 0; r < kClasses; ++r) {
          const Word8 word = (key[r] << static_cast<uint64_t>(point_bits)) | point;
          std::memcpy(words + r * entries + first, &word, lanes * sizeof(uint64_t));
        }
      }
    });
  }

  // Numbers the vertices of one class from 0.
  void number(int r, uint64_t* scratch) {
    uint64_t* const kept = words + r * entries;
    const uint64_t* const sorted = radix_sort(kept, scratch, entries, point_bits, point_bits + keys.bits);
    const uint64_t point_mask = (uint64_t{1} << point_bits) - 1;
    uint32_t* vertex_of = lattice.vertex_.data() + r * kGroup;
    int64_t vertex = -1;
    uint64_t last_key = ~uint64_t{0};
    for (int64_t e = 0; e < entries; ++e) {
      const uint64_t key = sorted[e] >> point_bits, point = sorted[e] & point_mask;
      vertex += key != last_key;
      last_key = key;
      kept[vertex] = key;  // never ahead of what is read
      vertex_of[point / kGroup * (kGroup * kClasses) + point % kGroup] = static_cast<uint32_t>(vertex);
    }
    class_size[r] = vertex + 1;
  }

  // The numbers within classes become numbers of all vertices.
  void join_classes() {
    parallel_for(groups_of(points), 4096, options.threads, [&](int64_t from, int64_t to) {
      uint32_t* vertex = lattice.vertex_.data() + from * kGroup * kClasses;
      for (int64_t g = from; g < to; ++g)
        for (int r = 0; r < kClasses; ++r)
          for (int l = 0; l < kGroup; ++l) *vertex++ += static_cast<uint32_t>(class_begin[r]);
    });
  }

  // Finds the neighbours between class r and the class below it along an axis: two ascending lists are merged.
  struct Merge {
    const uint64_t *keys, *below_keys;
    int64_t size, below_size;
    uint64_t step;
    uint32_t *next, *below_before;  // every second number counts
    uint32_t begin, below_begin, none;
    int64_t i = 0, k = 0;
    bool is_running() const { return i < size && k < below_size; }
    void advance() {  // without branches: what is stored last for an i or k stays
      const uint64_t x = keys[i] + step, y = below_keys[k];
      next[i * 2] = x == y ? below_begin + static_cast<uint32_t>(k) : none;
      below_before[k * 2] = x == y ? begin + static_cast<uint32_t>(i) : none;
      i += x <= y;
      k += y <= x;
    }
    void finish() {
      while (is_running()) advance();
      for (; i < size; ++i) next[i * 2] = none;
      for (; k < below_size; ++k) below_before[k * 2] = none;
    }
  };
  Merge merge(int r, int axis) const {
    const int below = r == 0 ? D : r - 1;
    const int64_t m = lattice.vertices_, begin = class_begin[r], below_begin = class_begin[below];
    uint32_t* neighbours = lattice.neighbours_.data() + axis * m * 2;
    return {words + r * entries,
            words + below * entries,
            class_size[r],
            class_size[below],
            key_step<D>(keys, r, axis),
            neighbours + begin * 2,
            neighbours + below_begin * 2 + 1,
            static_cast<uint32_t>(begin),
            static_cast<uint32_t>(below_begin),
            static_cast<uint32_t>(m)};
  }

  // Along three axes. Each merge waits for its own comparisons; three at a time fill the gaps.
  void merge_neighbours(int r, int first_axis) const {
    Merge x = merge(r, first_axis), y = merge(r, first_axis + 1), z = merge(r, first_axis + 2);
    while (x.is_running() && y.is_running() && z.is_running()) {
      x.advance();
      y.advance();
      z.advance();
    }
    x.finish();
    y.finish();
    z.finish();
  }
};

template <int D>
void PermutohedralLattice::build_dimensions(const FeatureSource& features, const Options& options,
                                            Buffer<uint64_t>& space) {
  constexpr int kClasses = D + 1;
  static_assert(kClasses % 3 == 0);
  Builder<D> builder{*this, features, options};
  const int64_t entries = builder.entries;
  if (builder.keys.bits == 0 || builder.keys.bits + builder.point_bits > 64)
    fail_input("CRF: kernels this narrow give an image of {} pixels too many lattice cells; "
               "use larger standard deviations", points_);
  const auto require_memory_for = [&](int64_t vertices) {
    require_memory(options.other_bytes + lattice_point_bytes(D, entries) +
                       std::max(lattice_build_bytes(D, entries, options.threads), options.later_bytes) +
                       lattice_vertex_bytes(D, vertices, options.row_width),
                   options.memory_limit_bytes, points_);
  };
  require_memory_for(0);
  builder.words = space.reserve(lattice_build_bytes(D, entries, options.threads) / 8);
  vertex_.reserve(groups_of(entries) * kGroup * kClasses);
  weight_.reserve(groups_of(entries) * kGroup * kClasses);
  builder.lift();
  ScratchPool pool(builder.words + kClasses * entries, entries, std::min(options.threads, kClasses));
  parallel_for(kClasses, 1, options.threads, [&](int64_t from, int64_t to) {
    uint64_t* const scratch = pool.take();
    for (int64_t r = from; r < to; ++r) builder.number(static_cast<int>(r), scratch);
    pool.give(scratch);
  });
  for (int r = 0; r < kClasses; ++r) builder.class_begin[r + 1] = builder.class_begin[r] + builder.class_size[r];
  vertices_ = builder.class_begin[kClasses];
  require_memory_for(vertices_);
  builder.join_classes();
  neighbours_.reserve(kClasses * vertices_ * 2);
  parallel_for(kClasses * kClasses / 3, 1, options.threads, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i)
      builder.merge_neighbours(static_cast<int>(i % kClasses), static_cast<int>(i / kClasses) * 3);
  });
}

void PermutohedralLattice::build(int64_t points, const FeatureSource& features, const Options& options,
                                 Buffer<uint64_t>& space) {
  ensure(points >= 1, "a lattice of {} points", points);
  dimensions_ = options.dimensions;
  points_ = points;
  if ((points + 1) * (dimensions_ + 1) >= int64_t{1} << 32)
    fail_input("CRF: {} pixels are more than the {} that can be numbered; cut the image into pieces", points,
               (int64_t{1} << 32) / (dimensions_ + 1) - 1);
  switch (dimensions_) {
    case 2: return build_dimensions<2>(features, options, space);
    case 5: return build_dimensions<5>(features, options, space);
    default: fail("a lattice of {} dimensions: expected 2 or 5", dimensions_);
  }
}

int64_t lattice_point_bytes(int dimensions, int64_t points) {
  return groups_of(points) * kGroup * (dimensions + 1) * 8;
}

int64_t lattice_build_bytes(int dimensions, int64_t points, int threads) {
  return points * 8 * (dimensions + 1 + std::min(threads, dimensions + 1));
}

int64_t lattice_vertex_bytes(int dimensions, int64_t vertices, int row_width) {
  return (vertices + 1) * 8 * (dimensions + 1 + row_width);
}

void require_memory(int64_t needed, int64_t limit, int64_t points) {
  if (needed > limit)
    fail_input("CRF: an image of {} pixels needs {:.1f} GB of memory, more than the limit of {:.1f} GB; make the image "
               "smaller, cut it into pieces, or raise the limit",
               points, static_cast<double>(needed) * 1e-9, static_cast<double>(limit) * 1e-9);
}

}  // namespace boxseg::crf
