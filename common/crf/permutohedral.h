// Filters points in D dimensions (D = 2 or 5) with a Gaussian by a permutohedral lattice: splat, blur, slice.
//
// Vertices are numbered by remainder class and, within a class, by key. Neighbours along an axis are then found by
// merging two sorted lists, and blurring runs through memory in order. No hash table is needed, and the same steps suit
// a GPU. A point has one vertex in each class, so that threads can splat different classes without meeting.
//
// These were tried, and no faster: huge pages; splatting as a gather; slicing by gather instructions; slicing, updating
// and splatting one strip of points after the other; blurring in place along chains of neighbours; numbering vertices
// by parts of the image first.
//
// Vertices are named by their number within their class: 16 bits do as long as no class has more than 65,536, which
// holds for most photographs and halves what has to be read.
//
// Axis letters: P points, M vertices, D features.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/crf/buffer.h"
#include "common/crf/neighbours.h"

namespace boxseg::crf {

inline constexpr int kMaxDimensions = 5;
inline constexpr int kLift = 8;    // points that are lifted together
inline constexpr int kGroup = 16;  // points whose vertices and weights are stored together, class after class

// Fills feature j of point first + l into features[j * kLift + l] for l = 0 .. kLift - 1; past the last point it fills
// in zeros.
using FeatureSource = std::function<void(int64_t first, float* features)>;

// Holds values of points that are filtered together: `panels` arrays [P, width], `step` floats from one to the next.
// width: 1, 2 or 4; two panels have 4 each. Their values at vertices lie side by side: [M, columns()].
template <class Value>
struct PointRows {
  Value* first = nullptr;
  int width = 1, panels = 1;
  int64_t step = 0;
  int columns() const { return width * panels; }
  PointRows from(int64_t point) const { return {first + point * width, width, panels, step}; }
  operator PointRows<const Value>() const { return {first, width, panels, step}; }
};

// Memory that building a lattice needs and filtering does not; its contents are of no use afterwards.
struct BuildSpace {
  Buffer<uint64_t> words;
  std::array<Buffer<uint64_t>, kMaxDimensions + 1> class_keys;  // of the vertices of each class, ascending
  int64_t key_bytes() const;
};

class PermutohedralLattice {
 public:
  struct Options {
    int dimensions = 2;
    std::array<float, kMaxDimensions> largest{};  // features lie in 0 .. largest[j]
    bool has_origin = false;                      // see build()
    int threads = 1;
    int row_width = 1;        // floats per vertex of all values that will be held together
    int64_t later_bytes = 0;  // what the caller will use the build space for afterwards
    int64_t other_bytes = 0;  // what is in use elsewhere, counted towards the limit
    int64_t memory_limit_bytes = 0;
  };

  // Throws bad_input when the lattice would pass the limit, or has more cells than 64-bit words can name. `has_origin`
  // also makes the vertices around the origin of the feature space, which carry no point: pydensecrf does so whenever P
  // is not a multiple of 4 (the tail of its SSE loop), and blurring then passes through them.
  void build(int64_t points, const FeatureSource& features, const Options& options, BuildSpace& space);

  // Computes what a constant 1 becomes: one value per point, [P]. `values` and `scratch` are as below.
  void filter_ones(float* result, int threads, Buffer<float>& values, Buffer<float>& scratch) const;

  // Multiplies a factor per point [P] into the weights with which the lattice splats and slices.
  void scale_weights(const float* scale, int threads);

  // Splats rows and blurs them. Every sum runs in the order of the points, whatever the number of threads. `values` is
  // [M, columns], kept by the caller, so that several may use one lattice. `scratch` is as large, and free again
  // afterwards.
  void splat_and_blur(const PointRows<const float>& rows, int threads, Buffer<float>& values,
                      Buffer<float>& scratch) const;

  // Adds factor times the blurred values to the rows of points from .. to - 1 (from: a multiple of kGroup).
  void slice(const Buffer<float>& values, const PointRows<float>& rows, float factor, int64_t from, int64_t to) const;

  float alpha() const;  // 1 / (1 + 2^-D): the factor that makes slicing an average
  int dimensions() const { return dimensions_; }
  int64_t points() const { return points_; }
  int64_t vertices() const { return vertices_; }
  int64_t bytes() const;

 private:
  template <int D>
  struct Builder;
  template <int D>
  void build_dimensions(const FeatureSource& features, const Options& options, BuildSpace& space);
  template <class Row, class Index>
  void splat(const PointRows<const float>& rows, int threads, float* values) const;
  template <class Row>
  void blur(int threads, float* from, float* to) const;

  // Calls body(Index{}) with the type of the vertices' numbers within their classes.
  template <class Body>
  void with_index_type(const Body& body) const {
    if (index_bytes_ == 2)
      body(uint16_t{});
    else
      body(uint32_t{});
  }
  template <class Index>
  const Index* vertex() const {
    return reinterpret_cast<const Index*>(vertex_.data());
  }
  int64_t class_begin(int remainder) const { return class_begin_[static_cast<size_t>(remainder)]; }

  int dimensions_ = 0, index_bytes_ = 2;
  int64_t points_ = 0, vertices_ = 0;
  // ^ It holds the first vertex of each class, and last the number of vertices.
  std::array<int64_t, kMaxDimensions + 2> class_begin_{};
  Buffer<std::byte> vertex_;  // Index [P / kGroup, D+1, kGroup]: numbers of a point's vertices
  Buffer<float> weight_;      // in the same shape: barycentric, then scaled; 0 where there is no point
  Neighbours neighbours_;
};

// Return the bytes of a lattice: for its points, only while it is built, and for its vertices with rows of `row_width`
// floats.
int64_t lattice_point_bytes(int dimensions, int64_t points, int index_bytes);
int64_t lattice_build_bytes(int dimensions, int64_t points, int64_t vertices, int threads);
int64_t lattice_vertex_bytes(int dimensions, int64_t vertices, int row_width);
void require_memory(int64_t needed, int64_t limit, int64_t points);  // throws bad_input with the estimate

}  // namespace boxseg::crf
