// Turns planes into points and back for Winograd's minimal filtering F(2x2,3x3) (Lavin and Gray, CVPR 2016), in
// float32. It makes 2x2 outputs of a 3x3 filter from 16 products, where sums over the filter take 36. Tiles of 4x4
// inputs and 2x2 outputs and filters become 16 points each, which are multiplied and summed over channels point by
// point, by matrix products.
#pragma once
#include <cstdint>
#include <vector>

namespace boxseg {

inline constexpr int64_t kWinogradPoints = 16;  // row-major 4x4

// Describes the tiles of a plane [h,w] convolved with stride 1 and padding = dilation, so that its size stays. Every
// `dilation`-th row and column makes a phase of its own, with tiles of 2x2 outputs; tiles may reach beyond the plane.
class WinogradTiles {
 public:
  WinogradTiles(int64_t h, int64_t w, int64_t dilation);

  int64_t rows() const { return static_cast<int64_t>(tops_.size()); }  // rows of tiles in a plane
  int64_t row_length() const { return row_length_; }                   // tiles in each
  // Rows of points are read and written in whole vectors, which reach up to this many elements beyond a row's end.
  static constexpr int64_t kSlack = 7;

  // Makes the points of a row of tiles, one after the other: points[e * stride + tile]. What lies in the slack after
  // the tiles is overwritten with anything, so rows have to be made in their order.
  void points_of_input(const float* plane, int64_t row, float* points, int64_t stride) const;
  // Makes what the points of the outputs receive, given the gradient of the outputs.
  void points_of_gradient(const float* plane, int64_t row, float* points, int64_t stride) const;
  // Writes the row's part of an output plane; where `mask` is given, it is zero where that plane is not above zero.
  void write_outputs(const float* points, int64_t stride, int64_t row, float* plane, const float* mask) const;

 private:
  struct Phase {
    int64_t width, first_tile, tiles;  // columns of the plane
  };
  template <class Body>
  void for_lines(float* points, int64_t stride, const Body& body) const;
  // Returns the length of the work space for a row of the plane: a margin of `dilation` stands before it, and columns
  // up to the slack after it.
  int64_t line_length() const { return w_ + (2 * kSlack + 6) * dilation_; }

  int64_t h_, w_, dilation_, row_length_ = 0;
  std::vector<int64_t> tops_;  // first output row of each row of tiles
  std::vector<Phase> phases_;  // [dilation]
};

// Makes points[e * stride] of the filter at nine[0..8], and the gradient of the nine from that of the points.
void winograd_points_of_filter(const float* nine, float* points, int64_t stride);
void winograd_gradient_of_filter(const float* points, int64_t stride, float* nine);
// Returns where point e of a filter turned by 180 degrees is found among those of the filter itself.
constexpr int64_t winograd_turned_point(int64_t e) {
  constexpr int64_t kTurned[] = {3, 1, 2, 0};
  return kTurned[e / 4] * 4 + kTurned[e % 4];
}

}  // namespace boxseg
