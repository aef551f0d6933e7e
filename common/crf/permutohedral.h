// A Gaussian filter over points in D dimensions (D = 2 or 5) by a permutohedral lattice: splat, blur, slice.
//
// Vertices are numbered by remainder class and, within a class, by key; then the neighbours of consecutive vertices
// along an axis are consecutive too, blurring streams through memory, and neighbours are found by merging two sorted
// lists. No hash table is needed, and the same steps suit a GPU.
//
// Axis letters: P points, M vertices, D features, W floats per row of values.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/crf/buffer.h"

namespace boxseg::crf {

inline constexpr int kMaxDimensions = 5;
inline constexpr int kBlock = 8;  // points that are lifted together

// Fills feature j of point first + l into features[j * kBlock + l] for l = 0 .. kBlock - 1. Past the last point: zeros.
using FeatureSource = std::function<void(int64_t first, float* features)>;

// Memory that building needs and filtering does not; lattices may share it.
struct BuildSpace {
  Buffer<uint64_t> words;
  std::vector<Buffer<uint64_t>> scratch;
};

class PermutohedralLattice {
 public:
  struct Options {
    int dimensions = 2;
    std::array<float, kMaxDimensions> largest{};  // features lie in 0 .. largest[j]
    bool has_origin = false;                      // see build()
    int threads = 1;
    int row_width = 1;                // that splat_and_blur() will be called with
    int64_t other_bytes = 0;          // in use elsewhere, counted towards the limit
    int64_t memory_limit_bytes = 0;
  };

  // Throws bad_input when the lattice would pass the limit, or has more cells than 64-bit words can name.
  // has_origin: also makes the vertices around the origin of the feature space, which carry no point. pydensecrf does
  // so whenever P is not a multiple of 4 (the tail of its SSE loop), and blurring then passes through them.
  void build(int64_t points, const FeatureSource& features, const Options& options, BuildSpace& space);

  // What a constant 1 becomes: one value per point. [P]
  void filter_ones(float* result, int threads);

  // Folds a factor per point [P] into the weights: splatting of point p is multiplied by scale[p], slicing by
  // scale[p] * factor and by the constant that the blur leaves to divide out.
  void scale_weights(const float* scale, float factor, int threads);

  // Splats the first `width` columns of rows [P, stride] and blurs them; slice() then adds the result of points
  // from .. to - 1 to the first `width` columns of its rows. Widths: padded_width(). The sums run in the order of the
  // points, whatever the number of threads.
  void splat_and_blur(const float* rows, int64_t stride, int width, int threads);
  void slice(float* rows, int64_t stride, int width, int64_t from, int64_t to) const;

  int dimensions() const { return dimensions_; }
  int64_t points() const { return points_; }
  int64_t vertices() const { return vertices_; }
  int64_t bytes() const;

 private:
  template <int D>
  void build_dimensions(const FeatureSource& features, const Options& options, BuildSpace& space);
  template <int D>
  struct Builder;
  float alpha() const;  // 1 / (1 + 2^-D), of the blur

  int dimensions_ = 0;
  int64_t points_ = 0, entries_per_class_ = 0, vertices_ = 0;
  std::array<int64_t, kMaxDimensions + 2> class_begin_{};  // of the vertices of each remainder
  Buffer<uint32_t> vertex_of_point_;
  Buffer<float> slice_weight_;     // barycentric weights, until scale_weights()
  Buffer<uint32_t> entry_begin_;   // [M+1] into the entries, which are sorted by vertex, then point
  Buffer<uint32_t> entry_point_;   // [(D+1) * entries per class]; P for the origin
  Buffer<float> entry_weight_;
  Buffer<uint32_t> neighbours_;    // [D+1, M, 2]; M, a row of zeros, where there is none
  Buffer<float> values_, blurred_;
};

// Bytes of a lattice: per point, and per vertex with rows of `row_width` floats.
int64_t lattice_point_bytes(int dimensions, int64_t points);
int64_t vertex_bytes(int dimensions, int row_width);
void require_memory(int64_t needed, int64_t limit, int64_t points);  // throws bad_input with the estimate

}  // namespace boxseg::crf
