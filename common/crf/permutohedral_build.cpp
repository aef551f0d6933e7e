// Builds a lattice: lifts the points, names the vertices around each, sorts and numbers them, finds neighbours.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <span>
#include <vector>

#include "common/base/error.h"
#include "common/crf/permutohedral.h"
#include "common/crf/permutohedral_kernel.h"
#include "common/crf/radix_sort.h"
#include "common/crf/ranked_bits.h"
#include "common/crf/rows.h"
#include "common/runtime/parallel.h"

namespace boxseg::crf {
namespace {

template <int D>
Elevation<D> make_elevation() {
  // The types are the reference's: the product is a double, of a float and a double.
  const float deviation = static_cast<float>(std::sqrt(2.0 / 3.0) * (D + 1));
  Elevation<D> elevation;
  for (int i = 0; i < D; ++i)
    elevation.factor[i] = static_cast<float>(1.0 / std::sqrt(static_cast<double>((i + 2) * (i + 1))) * deviation);
  return elevation;
}

// Makes digits wide enough for all points whose features lie in 0 .. largest, their vertices and the neighbours of
// those.
template <int D>
VertexKeys<D> make_keys(const std::array<float, kMaxDimensions>& largest, const Elevation<D>& elevation) {
  double reach[D];
  for (int i = 0; i < D; ++i) reach[i] = static_cast<double>(largest[i]) * elevation.factor[i];
  // Lifted coordinates e are e_0 - e_1 = 2 f_0, e_i - e_{i+1} = (i + 2) f_i - i f_{i-1}; the last digit is that of
  // e_{D-1} = f_{D-1} - (D - 1) f_{D-2} alone. A vertex around a point, and so a digit, is off by less than (D + 1) +
  // r, its neighbours by D + 1 more.
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
  keys.cells = static_cast<uint64_t>(cells);
  keys.bits = std::bit_width(keys.cells);
  return keys;
}

// Hands out pieces of scratch memory to tasks that run at the same time.
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
  BuildSpace& space;
  int64_t points = lattice.points_, entries = points + (options.has_origin ? 1 : 0);
  uint64_t* first_key = nullptr;  // [entries]: the key of the vertex with remainder 0
  uint32_t* lowered = nullptr;    // [entries]: which quotients are lower in the other vertices
  Elevation<D> elevation = make_elevation<D>();
  VertexKeys<D> keys = make_keys<D>(options.largest, elevation);
  int point_bits = std::bit_width(static_cast<uint64_t>(entries));
  std::array<int64_t, kClasses> class_size{};

  // Computes barycentric weights of all points, and what names their vertices. The origin is the point after the last.
  void lift() {
    float* weight = lattice.weight_.data();
    parallel_for(groups_of(entries), 256, options.threads, [&](int64_t from, int64_t to) {
      Float8 feature[D];
      Simplex<D, Float8, Int8> simplex;
      for (int64_t first = from * kGroup; first < to * kGroup; first += kLift) {
        features(first, reinterpret_cast<float*>(feature));
        find_simplex(feature, elevation, simplex);
        float* group = weight + first / kGroup * kGroup * kClasses + first % kGroup;
        for (int r = 0; r < kClasses; ++r) std::memcpy(group + r * kGroup, &simplex.weight[r], sizeof(Float8));
        for (int64_t l = std::max<int64_t>(0, points - first); l < kLift; ++l)
          for (int r = 0; r < kClasses; ++r) group[r * kGroup + l] = 0;
        const Word8 key = boxseg::crf::first_key(simplex, keys, Word8{});
        const Int8 bits = lowered_quotients(simplex);
        const size_t lanes = static_cast<size_t>(std::clamp<int64_t>(entries - first, 0, kLift));
        std::memcpy(first_key + first, &key, lanes * sizeof(uint64_t));
        std::memcpy(lowered + first, &bits, lanes * sizeof(uint32_t));
      }
    });
  }

  // Tells a point's vertex of one class.
  struct ClassKeys {
    ClassKeys(const Builder& b, int r) : builder(b), shift(std::max(0, r - 1) * D) {
      for (size_t bits = 0; r > 0 && bits < below_first.size(); ++bits)
        for (int i = 0; i < D; ++i) below_first[bits] += bits >> i & 1 ? b.keys.factor[i] : 0;
    }
    uint64_t operator()(int64_t e) const {
      return builder.first_key[e] - below_first[builder.lowered[e] >> shift & (below_first.size() - 1)];
    }
    const Builder& builder;
    int shift;
    std::array<uint64_t, 1 << D> below_first{};  // how much smaller the key is
  };

  template <class Index>
  Index& vertex_of(int64_t point, int r) {
    return reinterpret_cast<Index*>(
        lattice.vertex_.data())[point / kGroup * (kGroup * kClasses) + r * kGroup + point % kGroup];
  }

  // Numbers the vertices of a class from 0, in the order of their keys. words, other: [entries]. Returns false when
  // Index cannot hold the numbers.
  template <class Index>
  bool number_class(int r, uint64_t* words, uint64_t* other) {
    const ClassKeys key_of(*this, r);
    if (RankedBits::words_for(keys.cells / 64 + 1) <= entries) {
      // Few groups of 64 cells hold a point. Those that do are numbered, and only they get a bit for each of their
      // cells.
      RankedBits used(words, keys.cells / 64 + 1);
      for (int64_t e = 0; e < entries; ++e) used.add(key_of(e) / 64);
      const uint64_t bits = uint64_t{used.count()} * 64;
      if (RankedBits::words_for(bits) <= entries) {
        RankedBits cells(other, bits);
        return number_by_cells<Index>(r, key_of, used, cells);
      }
    }
    return number_by_sorting<Index>(r, key_of, words, other);
  }

  // A vertex's number is how many cells before its own hold a point.
  template <class Index>
  bool number_by_cells(int r, const ClassKeys& key_of, const RankedBits& used, RankedBits& cells) {
    const auto cell_of = [&](int64_t e) {
      const uint64_t key = key_of(e);
      return uint64_t{used.rank(key / 64)} * 64 + key % 64;
    };
    for (int64_t e = 0; e < entries; ++e) cells.add(cell_of(e));
    const uint32_t total = cells.count();
    if (total - 1 > std::numeric_limits<Index>::max()) return false;
    class_size[r] = total;
    uint64_t* own = space.class_keys[r].reserve(total);
    int64_t i = 0;
    used.for_each([&](uint64_t keys_of_64) {
      for_each_bit(cells.bits(i++), [&](uint64_t bit) { *own++ = keys_of_64 * 64 + bit; });
    });
    for (int64_t e = 0; e < entries; ++e) vertex_of<Index>(e, r) = static_cast<Index>(cells.rank(cell_of(e)));
    return true;
  }

  // The same where there are too many cells for bits.
  template <class Index>
  bool number_by_sorting(int r, const ClassKeys& key_of, uint64_t* words, uint64_t* other) {
    const auto word = [&](int64_t e) { return key_of(e) << point_bits | static_cast<uint64_t>(e); };
    const uint64_t point_mask = (uint64_t{1} << point_bits) - 1;
    int64_t vertex = -1;
    uint64_t last_key = ~uint64_t{0};
    sort_in_buckets(entries, word, point_bits, point_bits + keys.bits, words, other,
                    [&](const uint64_t* sorted, int64_t size) {
                      for (int64_t i = 0; i < size; ++i) {
                        const uint64_t key = sorted[i] >> point_bits, point = sorted[i] & point_mask;
                        vertex += key != last_key;
                        last_key = key;
                        words[vertex] = key;  // stays behind what is read
                        vertex_of<Index>(static_cast<int64_t>(point), r) = static_cast<Index>(vertex);
                      }
                    });
    if (vertex > std::numeric_limits<Index>::max()) return false;
    class_size[r] = vertex + 1;
    std::copy_n(words, class_size[r], space.class_keys[r].reserve(class_size[r]));
    return true;
  }

  template <class Index>
  bool number_classes(uint64_t* words) {
    lattice.index_bytes_ = sizeof(Index);
    lattice.vertex_.reserve(groups_of(entries) * kGroup * kClasses * int64_t{sizeof(Index)});
    ScratchPool pool(words, 2 * entries, std::min(options.threads, kClasses));
    std::atomic<bool> is_held = true;
    parallel_for(kClasses, 1, options.threads, [&](int64_t from, int64_t to) {
      uint64_t* const piece = pool.take();
      for (int64_t r = from; r < to && is_held; ++r)
        if (!number_class<Index>(static_cast<int>(r), piece, piece + entries)) is_held = false;
      pool.give(piece);
    });
    return is_held;
  }

  void find_neighbours() const {
    std::vector<std::span<const uint64_t>> of_classes;
    std::vector<std::vector<uint64_t>> steps(kClasses);
    for (size_t r = 0; r < kClasses; ++r) {
      of_classes.emplace_back(space.class_keys[r].data(), static_cast<size_t>(class_size[r]));
      for (int axis = 0; axis < kClasses; ++axis) steps[r].push_back(key_step<D>(keys, static_cast<int>(r), axis));
    }
    lattice.neighbours_.find(of_classes, steps, options.threads);
  }
};

template <int D>
void PermutohedralLattice::build_dimensions(const FeatureSource& features, const Options& options, BuildSpace& space) {
  constexpr int kClasses = D + 1;
  Builder<D> builder{*this, features, options, space};
  const int64_t entries = builder.entries;
  if (builder.keys.bits == 0 || builder.keys.bits + builder.point_bits > 64)
    fail_input(
        "CRF: kernels this narrow give an image of {} pixels too many lattice cells; "
        "use larger standard deviations",
        points_);
  const auto require_memory_for = [&](int64_t vertices) {
    require_memory(options.other_bytes + lattice_point_bytes(D, entries, index_bytes_) +
                       std::max(lattice_build_bytes(D, entries, vertices, options.threads), options.later_bytes) +
                       lattice_vertex_bytes(D, vertices, options.row_width),
                   options.memory_limit_bytes, points_);
  };
  index_bytes_ = 2;
  require_memory_for(0);
  builder.first_key = space.words.reserve((lattice_build_bytes(D, entries, 0, options.threads) + 7) / 8);
  uint64_t* const words = builder.first_key + entries;
  builder.lowered = reinterpret_cast<uint32_t*>(words + 2 * entries * std::min(options.threads, kClasses));
  weight_.reserve(groups_of(entries) * kGroup * kClasses);
  builder.lift();
  if (!builder.template number_classes<uint16_t>(words)) {
    index_bytes_ = 4;
    require_memory_for(0);
    builder.template number_classes<uint32_t>(words);
  }
  for (size_t r = 0; r < kClasses; ++r) class_begin_[r + 1] = class_begin_[r] + builder.class_size[r];
  vertices_ = class_begin(kClasses);
  require_memory_for(vertices_);
  builder.find_neighbours();
}

void PermutohedralLattice::build(int64_t points, const FeatureSource& features, const Options& options,
                                 BuildSpace& space) {
  ensure(points >= 1, "a lattice of {} points", points);
  dimensions_ = options.dimensions;
  points_ = points;
  constexpr int64_t kMostPoints = (int64_t{1} << 32) - 2;  // the origin included
  if (points > kMostPoints)
    fail_input("CRF: {} pixels are more than the {} that can be numbered; cut the image into pieces", points,
               kMostPoints);
  switch (dimensions_) {
    case 2:
      return build_dimensions<2>(features, options, space);
    case 5:
      return build_dimensions<5>(features, options, space);
    default:
      fail("a lattice of {} dimensions: expected 2 or 5", dimensions_);
  }
}

int64_t BuildSpace::key_bytes() const {
  int64_t bytes = 0;
  for (const auto& keys : class_keys) bytes += keys.bytes();
  return bytes;
}

int64_t lattice_point_bytes(int dimensions, int64_t points, int index_bytes) {
  return groups_of(points) * kGroup * (dimensions + 1) * (int64_t{sizeof(float)} + index_bytes);
}

int64_t lattice_build_bytes(int dimensions, int64_t points, int64_t vertices, int threads) {
  return points * (8 + 4 + 2 * 8 * std::min(threads, dimensions + 1)) + vertices * 8;
}

int64_t lattice_vertex_bytes(int dimensions, int64_t vertices, int row_width) {
  return neighbour_bytes(dimensions + 1, vertices) + vertices * 2 * 4 * row_width;
}

void require_memory(int64_t needed, int64_t limit, int64_t points) {
  if (needed > limit)
    fail_input(
        "CRF: an image of {} pixels needs {:.1f} GB of memory, more than the limit of {:.1f} GB; make the image "
        "smaller, cut it into pieces, or raise the limit",
        points, static_cast<double>(needed) * 1e-9, static_cast<double>(limit) * 1e-9);
}

}  // namespace boxseg::crf
