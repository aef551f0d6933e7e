#include "stage1_classify/bap_plan.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"

namespace boxseg {
namespace {

// Counts the cells from the first to the last that [begin,end] (normalised) touches, of n along the axis. A map of one
// cell has no extent in the authors' arithmetic, which gives every box 0 samples; here it gives 1.
int64_t sample_count(float begin, float end, int64_t n) {
  if (!(end >= begin)) return 0;
  if (n == 1) return 1;
  const float half = static_cast<float>(static_cast<double>(n - 1) / 2);
  const float from = begin * half + half, to = end * half + half;
  const double count = static_cast<double>(std::ceil(to)) - static_cast<double>(std::floor(from));
  ensure(count <= 16.0 * static_cast<double>(n) + 64, "bap: a box from {} to {} takes {} samples on {} cells", begin,
         end, count, n);
  return static_cast<int64_t>(count);
}

// Does torch.linspace in float32: from both ends towards the middle.
float linspace(float begin, float end, int64_t count, int64_t i) {
  if (count == 1) return begin;
  const float step = (end - begin) / static_cast<float>(count - 1);
  return i < count / 2 ? begin + step * static_cast<float>(i) : end - step * static_cast<float>(count - i - 1);
}

// Samples as grid_sample does with align_corners=False and zeros outside, although the boxes are normalised for
// align_corners=True: the authors leave the default, so a full-image box reaches half a cell beyond the map and fades
// there.
bap::AxisSample sample_at(float normalised, int64_t n) {
  const float position = (normalised + 1.f) * (static_cast<float>(n) / 2.f) - 0.5f;
  const float lower = std::floor(position), next_weight = position - lower;
  if (lower < -1.f) return {0, 0.f, 0.f};
  if (lower < 0.f) return {0, next_weight, 0.f};
  if (lower >= static_cast<float>(n)) return {static_cast<int32_t>(n - 1), 0.f, 0.f};
  const auto cell = static_cast<int32_t>(lower);
  return {cell, 1.f - next_weight, cell + 1 < n ? next_weight : 0.f};
}

// Appends the samples of one axis and the table of first samples.
void add_axis(BapPlan& plan, float begin, float end, int64_t count, int64_t n, int32_t& samples_at, int32_t& first_at) {
  samples_at = static_cast<int32_t>(plan.axis.size());
  for (int64_t i = 0; i < count; ++i) {
    plan.axis.push_back(sample_at(linspace(begin, end, count, i), n));
    auto& last = plan.axis.back();
    if (i > 0) last.lower = std::max(last.lower, plan.axis[plan.axis.size() - 2].lower);
  }
  first_at = static_cast<int32_t>(plan.first.size());
  int64_t i = 0;
  for (int64_t cell = 0; cell <= n; ++cell) {
    while (i < count && plan.axis[static_cast<size_t>(samples_at + i)].lower < cell) ++i;
    plan.first.push_back(static_cast<int32_t>(i));
  }
}

void add_box(BapPlan& plan, int64_t image, const NormalisedBox& box) {
  const int64_t cols = sample_count(box.x0, box.x1, plan.w), rows = sample_count(box.y0, box.y1, plan.h);
  if (rows <= 0 || cols <= 0) {
    ++plan.dropped_boxes;
    return;
  }
  bap::Box b{};
  b.image = static_cast<int32_t>(image);
  b.rows = static_cast<int32_t>(rows);
  b.cols = static_cast<int32_t>(cols);
  add_axis(plan, box.y0, box.y1, rows, plan.h, b.row_samples, b.row_first);
  add_axis(plan, box.x0, box.x1, cols, plan.w, b.col_samples, b.col_first);
  b.sample = plan.samples;
  plan.samples += rows * cols;
  plan.boxes.push_back(b);
  plan.class_of_box.push_back(box.class_id);
}

// Returns the source index of nearest interpolation, as torch computes it.
int64_t nearest_source(int64_t destination, int64_t in, int64_t out) {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  return std::min(static_cast<int64_t>(std::floor(static_cast<float>(destination) * scale)), in - 1);
}

void add_background(BapPlan& plan, int64_t image, const uint8_t* mask, ImageSize size, Pooling pooling) {
  int64_t background = 0;
  for (int64_t i = 0; i < size.height * size.width; ++i) background += mask[i] != 0;
  plan.has_valid_background.push_back(8 * background > size.height * size.width);
  const size_t cells_at = plan.background_count.size();
  plan.background_count.resize(cells_at + static_cast<size_t>(plan.queries_per_image()), 0.f);
  for (int64_t y = 0; y < plan.h; ++y)
    for (int64_t x = 0; x < plan.w; ++x) {
      const uint8_t is_background =
          mask[nearest_source(y, size.height, plan.h) * size.width + nearest_source(x, size.width, plan.w)] != 0;
      plan.small_mask.push_back(is_background);
      plan.background_count[cells_at + static_cast<size_t>(plan.query_of(y, x))] += is_background;
    }
  int32_t valid = 0;
  for (int64_t g = 0; g < plan.queries_per_image(); ++g)
    if (plan.background_count[cells_at + static_cast<size_t>(g)] > 0) {
      ++valid;
      plan.valid_grid_ids.push_back(image * plan.queries_per_image() + g);
    }
  plan.attending.push_back(pooling == Pooling::bap && plan.has_valid_background.back() ? valid : 0);
}

}  // namespace

std::vector<int64_t> BapPlan::target() const {
  std::vector<int64_t> classes;
  classes.reserve(class_of_box.size() * static_cast<size_t>(windows()) + valid_grid_ids.size());
  for (const int64_t c : class_of_box) classes.insert(classes.end(), static_cast<size_t>(windows()), c);
  classes.resize(classes.size() + valid_grid_ids.size(), 0);
  return classes;
}

BapPlan make_bap_plan(std::span<const BapImage> images, ImageSize size, int64_t h, int64_t w, int64_t grid, int64_t roi,
                      Pooling pooling) {
  ensure(h >= 1 && w >= 1 && size.height >= 1 && size.width >= 1, "bap: features of {}x{} for masks of {}x{}", h, w,
         size.height, size.width);
  ensure(grid >= 1 && roi >= 1, "bap: grid {} and roi {}, expected 1 or more", grid, roi);
  BapPlan plan;
  plan.images = static_cast<int64_t>(images.size());
  plan.h = h;
  plan.w = w;
  plan.grid = grid;
  plan.roi = roi;
  plan.padded_h = (h + grid - 1) / grid * grid;
  plan.padded_w = (w + grid - 1) / grid * grid;
  const int64_t pad_h = plan.padded_h - h, pad_w = plan.padded_w - w;
  plan.pad_top = pad_h % 2 == 0 ? pad_h / 2 : 0;
  plan.pad_left = pad_w % 2 == 0 ? pad_w / 2 : 0;
  plan.cell_h = plan.padded_h / grid;
  plan.cell_w = plan.padded_w / grid;
  plan.box_begin.push_back(0);
  for (int64_t n = 0; n < plan.images; ++n) {
    const BapImage& image = images[static_cast<size_t>(n)];
    ensure(image.background_mask != nullptr, "bap: image {} of the batch has no background mask", n);
    add_background(plan, n, image.background_mask, size, pooling);
    for (const NormalisedBox& box : image.boxes) add_box(plan, n, box);
    plan.box_begin.push_back(static_cast<int32_t>(plan.boxes.size()));
  }
  return plan;
}

}  // namespace boxseg
