// Decides what background-aware pooling knows before it sees a feature: where boxes are sampled, how they are pooled,
// which grid cells have background. It follows the authors' Labeler and stage 1 loop (tests/README.md, bap.h5), in
// float32 and in their order of operations, since the number of samples of a box hangs on the rounding.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "common/data/boxes.h"
#include "stage1_classify/bap_kernel.h"

namespace boxseg {

// A batch has one of these for each image.
struct BapImage {
  const uint8_t* background_mask = nullptr;  // [H,W], 1 outside all boxes; must outlive make_bap_plan()
  std::vector<NormalisedBox> boxes;          // with respect to [H,W]
};

struct BapPlan {
  int64_t images = 0, h = 0, w = 0;  // number and size of the feature maps
  int64_t grid = 4, roi = 2;

  // These fields describe the background. A grid cell is cell_h x cell_w of the padded map; the map lies at (pad_top,
  // pad_left) in it: an even amount of padding is split, an odd one goes to the bottom or the right.
  std::vector<uint8_t> has_valid_background;  // [N]: more than 12.5 % of the pixels are background
  std::vector<uint8_t> small_mask;            // [N,h,w], resized by the nearest pixel
  int64_t padded_h = 0, padded_w = 0, pad_top = 0, pad_left = 0, cell_h = 0, cell_w = 0;
  std::vector<float> background_count;  // [N, grid*grid]
  std::vector<int64_t> valid_grid_ids;  // flat n*grid*grid+g with a count above 0, ascending: the queries
  std::vector<int32_t> attending;       // [N]: how many queries the image's boxes attend to; 0 = plain pooling

  // These fields describe the boxes, in the order of the images. Boxes without a single sample (no extent on an exact
  // cell boundary, or inverted; the authors' code stops at them) are left out and counted.
  std::vector<bap::Box> boxes;        // [R]
  std::vector<int64_t> class_of_box;  // [R]
  std::vector<int32_t> box_begin;     // [N+1]
  std::vector<bap::AxisSample> axis;
  std::vector<int32_t> first;
  int64_t samples = 0;  // S
  int64_t dropped_boxes = 0;

  int64_t queries_per_image() const { return grid * grid; }
  bap::Grid cut() const { return {grid, cell_h, cell_w, pad_top, pad_left}; }
  // Returns the query whose grid cell holds this cell of the map.
  int64_t query_of(int64_t y, int64_t x) const { return cut().query_of(y, x); }
  int64_t windows() const { return roi * roi; }
  // Returns the classes of the vectors that the classifier sees: boxes first (windows row-major), then valid_grid_ids
  // as class 0.
  std::vector<int64_t> target() const;
};

enum class Pooling { bap, gap };  // gap: plain average pooling everywhere; the queries are the same

// Throws `failed` for empty images or maps.
BapPlan make_bap_plan(std::span<const BapImage> images, ImageSize mask_size, int64_t h, int64_t w, int64_t grid,
                      int64_t roi, Pooling pooling);

}  // namespace boxseg
