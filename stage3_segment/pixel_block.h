// Holds up to eight pixels of a row that lie between the same two columns of cells: where they are, and their scores
// and labels, one pixel per lane.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "stage3_segment/loss_kernel.h"
#include "stage3_segment/pixel_lanes.h"

namespace boxseg {

template <class T>
struct PixelBlock {
  int64_t x = 0;
  int pixels = 0;
  int64_t left = 0, right = 0;                              // offsets of the two cells' classes in a row of cells [w,K]
  T of_left[kPixelLanes] = {}, of_right[kPixelLanes] = {};  // weights of the two; 0 in lanes without a pixel
};

// Cuts all pixels of a row into blocks, from left to right.
template <class T>
std::vector<PixelBlock<T>> blocks_of_row(const LossProblem<T>& p) {
  std::vector<PixelBlock<T>> out;
  for (int64_t x = 0; x < p.width; ++x) {
    const int64_t cell = p.columns.index[x], left = cell * p.classes;
    if (out.empty() || out.back().left != left || out.back().pixels == kPixelLanes)
      out.push_back({x, 0, left, cell + 1 < p.cell_columns ? left + p.classes : left});
    PixelBlock<T>& block = out.back();
    block.of_left[block.pixels] = 1 - p.columns.weight[x];
    block.of_right[block.pixels++] = p.columns.weight[x];
  }
  return out;
}

// Writes out[class,lane]: scores between two cells of `line`, the row of cells [w,K] at the height of the pixels.
template <class T>
void interpolate(const PixelBlock<T>& block, const T* line, int64_t classes, T* out) {
  BOXSEG_FUSE_PRODUCTS
  const auto of_left = load_wide<PixelLanes<T>>(block.of_left), of_right = load_wide<PixelLanes<T>>(block.of_right);
  const T *left = line + block.left, *right = line + block.right;
  for (int64_t c = 0; c < classes; ++c) store_wide(out + c * kPixelLanes, of_left * left[c] + of_right * right[c]);
}

template <class T>
PixelLanes<T> largest_scores(const T* scores, int64_t classes) {
  auto top = load_wide<PixelLanes<T>>(scores);
  for (int64_t c = 1; c < classes; ++c) {
    const auto score = load_wide<PixelLanes<T>>(scores + c * kPixelLanes);
    top = score > top ? score : top;
  }
  return top;
}

template <class T>
PixelLanes<T> log_sums(const T* scores, int64_t classes, T temperature, const PixelLanes<T>& largest) {
  BOXSEG_FUSE_PRODUCTS
  auto sum = spread(T(0));
  for (int64_t c = 0; c < classes; ++c)
    sum += exp_of((load_wide<PixelLanes<T>>(scores + c * kPixelLanes) - largest) * temperature);
  return largest * temperature + log_of(sum);
}

// Holds one pixel's scores within those of its block, with what measure_pixel() and confidence_of() would find from
// them.
template <class T>
struct LaneScores {
  const T* values;
  T largest, log_sum;
  T operator[](int64_t c) const { return values[c * kPixelLanes]; }
};
template <class T>
T largest_of(const LaneScores<T>& s, int64_t) {
  return s.largest;
}
template <class T>
T log_sum_of(const LaneScores<T>& s, int64_t, T) {
  return s.log_sum;
}

// Reads the labels of a block; they are void in lanes without a pixel.
class BlockLabels {
 public:
  template <class T>
  BlockLabels(const LossProblem<T>& p, int64_t pixel, int pixels) {
    label_ = other_ = read(p.label + pixel, pixels);
    if (p.other != nullptr) other_ = read(p.other + pixel, pixels);
  }
  bool are_void() const { return label_ == kAllVoid; }
  // True when all pixels that are not void are reliable; where false, some may be reliable too.
  bool are_reliable() const { return label_ == other_; }
  template <class T>
  PixelLanes<T> labels() const {
    typedef uint8_t Bytes __attribute__((vector_size(kPixelLanes)));
    return __builtin_convertvector((Bytes)label_, PixelLanes<T>);
  }

 private:
  static constexpr uint64_t kAllVoid = ~uint64_t{0};
  static_assert(kVoidLabel == 255 && kPixelLanes == sizeof kAllVoid);
  static uint64_t read(const uint8_t* from, int pixels) {
    uint64_t bytes = kAllVoid;
    if (pixels == kPixelLanes)
      std::memcpy(&bytes, from, sizeof bytes);
    else
      std::memcpy(&bytes, from, static_cast<size_t>(pixels));
    return bytes;
  }
  uint64_t label_, other_;
};

}  // namespace boxseg
