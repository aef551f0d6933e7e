#include "stage1_classify/bap.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/random.h"
#include "stage1_classify/labeler.h"
#include "tests/nn/paths.h"
#include "tests/stage1/golden_batch.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

using test::largest_difference;

struct Batch {
  ImageSize size{33, 41};
  std::vector<std::vector<uint8_t>> masks;
  std::vector<BapImage> images;
  at::Tensor features;  // float64, after a ReLU
};

// Makes images with boxes of all sizes: inside, across the border, tiny, overlapping; the mask is what they leave.
Batch make_batch(const std::string& seed, int64_t images, int64_t channels, int64_t h, int64_t w, int64_t boxes) {
  Batch batch;
  Random random(0, seed);
  batch.masks.resize(static_cast<size_t>(images));
  for (auto& mask : batch.masks) {
    mask.assign(static_cast<size_t>(batch.size.height * batch.size.width), 1);
    BapImage image;
    for (int64_t b = 0; b < boxes; ++b) {
      const double x0 = random.uniform(-1, 0.9), y0 = random.uniform(-1, 0.9);
      const double x1 = x0 + random.uniform(0.02, 1.05), y1 = y0 + random.uniform(0.02, 1.05);
      image.boxes.push_back({float(x0), float(y0), float(x1), float(y1), 1 + random.below(4)});
      for (int64_t y = 0; y < batch.size.height; ++y)
        for (int64_t x = 0; x < batch.size.width; ++x) {
          const double u = 2.0 * x / (batch.size.width - 1) - 1, v = 2.0 * y / (batch.size.height - 1) - 1;
          if (u >= x0 && u < x1 && v >= y0 && v < y1) mask[static_cast<size_t>(y * batch.size.width + x)] = 0;
        }
    }
    image.background_mask = mask.data();
    batch.images.push_back(image);
  }
  batch.features = at::empty({images, channels, h, w}, at::kDouble);
  double* f = batch.features.data_ptr<double>();
  for (int64_t i = 0; i < batch.features.numel(); ++i) f[i] = std::max(0.0, random.normal());
  return batch;
}

std::shared_ptr<const BapPlan> plan_of(const Batch& batch, int64_t grid, int64_t roi, Pooling pooling = Pooling::bap) {
  return std::make_shared<const BapPlan>(
      make_bap_plan(batch.images, batch.size, batch.features.size(2), batch.features.size(3), grid, roi, pooling));
}

at::Tensor normalised(const at::Tensor& x, int64_t dim) { return x / x.norm(2, {dim}, true).clamp_min(1e-12); }

// Follows the definition, box by box, with all channels and autograd; only the sample positions come from the plan.
at::Tensor naive_vectors(const at::Tensor& features, const BapPlan& plan, at::Tensor* queries_out) {
  const int64_t j = plan.queries_per_image(), channels = features.size(1);
  std::vector<at::Tensor> queries, vectors;
  const at::Tensor padded = at::constant_pad_nd(features, {plan.pad_left, plan.padded_w - plan.w - plan.pad_left,
                                                           plan.pad_top, plan.padded_h - plan.h - plan.pad_top});
  for (int64_t n = 0; n < plan.images; ++n)
    for (int64_t g = 0; g < j; ++g) {
      at::Tensor mask = at::zeros({plan.padded_h, plan.padded_w}, at::kDouble);
      auto m = mask.accessor<double, 2>();
      for (int64_t y = 0; y < plan.h; ++y)
        for (int64_t x = 0; x < plan.w; ++x)
          m[y + plan.pad_top][x + plan.pad_left] = plan.small_mask[static_cast<size_t>((n * plan.h + y) * plan.w + x)];
      const int64_t top = g / plan.grid * plan.cell_h, left = g % plan.grid * plan.cell_w;
      const auto cut = [&](const at::Tensor& t) {
        return t.slice(-2, top, top + plan.cell_h).slice(-1, left, left + plan.cell_w);
      };
      queries.push_back((cut(padded[n]) * cut(mask)).sum(at::IntArrayRef{1, 2}) / (cut(mask).sum() + 1e-12));
    }
  *queries_out = at::stack(queries);
  for (const bap::Box& box : plan.boxes) {
    std::vector<at::Tensor> points;
    for (int64_t r = 0; r < box.rows; ++r)
      for (int64_t c = 0; c < box.cols; ++c) {
        const auto &y = plan.axis[static_cast<size_t>(box.row_samples + r)],
                   &x = plan.axis[static_cast<size_t>(box.col_samples + c)];
        at::Tensor sum = at::zeros({channels}, at::kDouble);
        for (int dy = 0; dy < 2; ++dy)
          for (int dx = 0; dx < 2; ++dx) {
            const double weight = double(dy ? y.next_weight : y.weight) * double(dx ? x.next_weight : x.weight);
            if (weight != 0) sum = sum + weight * features[box.image].select(1, y.lower + dy).select(1, x.lower + dx);
          }
        points.push_back(sum);
      }
    const at::Tensor roi = at::stack(points);  // [S,C]
    at::Tensor weight = at::ones({roi.size(0)}, at::kDouble);
    if (plan.attending[static_cast<size_t>(box.image)] > 0) {
      std::vector<at::Tensor> valid;
      for (int64_t g = 0; g < j; ++g)
        if (plan.background_count[static_cast<size_t>(box.image * j + g)] > 0)
          valid.push_back(queries[static_cast<size_t>(box.image * j + g)]);
      weight = 1 - at::relu(at::mm(normalised(roi, 1), normalised(at::stack(valid), 1).t())).mean(1);
    }
    for (int64_t ky = 0; ky < plan.roi; ++ky)
      for (int64_t kx = 0; kx < plan.roi; ++kx) {
        // Row windows repeat the last row of a short box, column windows its first column.
        const auto rows = bap::window_of(ky, plan.roi, box.rows, false),
                   cols = bap::window_of(kx, plan.roi, box.cols, true);
        const auto cut = [&](const at::Tensor& t) {
          return t.slice(0, rows.begin, rows.end).slice(1, cols.begin, cols.end);
        };
        const at::Tensor ww = cut(weight.view({box.rows, box.cols})).unsqueeze(2);
        vectors.push_back((cut(roi.view({box.rows, box.cols, channels})) * ww).sum(at::IntArrayRef{0, 1}) /
                          (ww.sum() + 1e-12));
      }
  }
  return vectors.empty() ? at::zeros({0, channels}, at::kDouble) : at::stack(vectors);
}

struct Case {
  int64_t images, channels, h, w, boxes, grid, roi;
};
const std::vector<Case> kCases = {{2, 5, 9, 11, 3, 4, 2}, {1, 3, 1, 4, 2, 1, 2},   {1, 4, 5, 1, 2, 2, 1},
                                  {3, 2, 7, 6, 1, 3, 3},  {1, 6, 12, 13, 6, 4, 2}, {2, 3, 4, 5, 2, 7, 5},
                                  {1, 3, 6, 53, 3, 4, 2}, {1, 2, 9, 2, 2, 1, 2}};

// Returns a scalar of both outputs in which every entry counts differently.
at::Tensor objective(const at::Tensor& vectors, const at::Tensor& queries) {
  const auto weights = [](const at::Tensor& t) {
    return at::arange(t.numel(), at::kDouble).sin().view(t.sizes()).to(t.options());
  };
  return (vectors * weights(vectors)).sum() + (queries * queries * weights(queries)).sum();
}

}  // namespace

TEST_CASE("pooling windows over a row cover it, overlap by the remainder, and repeat short rows", "[cpu]") {
  const auto is = [](bap::Window w, int64_t begin, int64_t end) { return w.begin == begin && w.end == end; };
  REQUIRE((is(bap::window_of(0, 2, 6, false), 0, 3) && is(bap::window_of(1, 2, 6, false), 3, 6)));
  REQUIRE((is(bap::window_of(0, 2, 5, false), 0, 3) && is(bap::window_of(1, 2, 5, false), 2, 5)));
  REQUIRE((is(bap::window_of(0, 2, 1, false), 0, 1) && is(bap::window_of(1, 2, 1, true), 0, 1)));
  REQUIRE((is(bap::window_of(1, 3, 2, false), 1, 2) && is(bap::window_of(2, 3, 2, false), 1, 2)));
  REQUIRE((is(bap::window_of(1, 3, 2, true), 0, 1) && is(bap::window_of(2, 3, 2, true), 1, 2)));
  REQUIRE(is(bap::window_of(0, 1, 7, false), 0, 7));
}

EACH_PATH_TEST_CASE("background-aware pooling equals the definition box by box, values and gradients", "[cpu]") {
  for (const Case& c : kCases)
    for (const Pooling pooling : {Pooling::bap, Pooling::gap}) {
      INFO(c.h << "x" << c.w << " cells, grid " << c.grid << ", roi " << c.roi
               << (pooling == Pooling::gap ? ", gap" : ""));
      const Batch batch = make_batch("bap naive", c.images, c.channels, c.h, c.w, c.boxes);
      const auto plan = plan_of(batch, c.grid, c.roi, pooling);
      REQUIRE(plan->boxes.size() == static_cast<size_t>(c.images * c.boxes));
      const at::Tensor ours = on(batch.features.clone()).requires_grad_(),
                       theirs = batch.features.clone().requires_grad_();
      const BapResult result = background_aware_pooling(ours, plan);
      at::Tensor queries;
      const at::Tensor vectors = naive_vectors(theirs, *plan, &queries);
      REQUIRE(largest_difference(result.box_vectors, vectors) < 1e-12);
      REQUIRE(largest_difference(result.queries, queries) < 1e-12);
      objective(result.box_vectors, result.queries).backward();
      objective(vectors, queries).backward();
      REQUIRE(theirs.grad().abs().max().item<double>() > 1e-3);
      REQUIRE(largest_difference(ours.grad(), theirs.grad()) < 1e-11);
      const at::Tensor single = on(batch.features.to(at::kFloat)).requires_grad_();
      const BapResult single_result = background_aware_pooling(single, plan);
      objective(single_result.box_vectors, single_result.queries).backward();
      REQUIRE(largest_difference(single_result.box_vectors, vectors) < 1e-5);
      REQUIRE(largest_difference(single.grad(), theirs.grad()) < 1e-4);
    }
}

EACH_PATH_TEST_CASE("gradients of background-aware pooling equal finite differences", "[cpu]") {
  const Batch batch = make_batch("bap finite", 2, 4, 6, 7, 2);
  const auto plan = plan_of(batch, 2, 2);
  REQUIRE(*std::min_element(plan->attending.begin(), plan->attending.end()) > 0);
  const at::Tensor f = (batch.features + 0.1).requires_grad_();  // the offset keeps away from the ReLU's kink
  const auto value = [&](const at::Tensor& at) {
    const BapResult r = background_aware_pooling(on(at), plan);
    return objective(r.box_vectors, r.queries);
  };
  value(f).backward();
  const double step = 1e-5;
  Random random(0, "bap finite cells");
  for (int i = 0; i < 60; ++i) {
    const int64_t at = random.below(f.numel());
    const at::Tensor up = f.detach().clone(), down = f.detach().clone();
    up.data_ptr<double>()[at] += step;
    down.data_ptr<double>()[at] -= step;
    const double expected = (value(up) - value(down)).item<double>() / (2 * step);
    REQUIRE(f.grad().data_ptr<double>()[at] == Approx(expected).margin(1e-8).epsilon(1e-6));
  }
}

TEST_CASE("background-aware pooling has the same bits for any number of threads", "[cpu]") {
  const Batch batch = make_batch("bap threads", 3, 8, 21, 19, 4);
  const auto plan = plan_of(batch, 4, 2);
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> results;
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    const at::Tensor f = batch.features.to(at::kFloat).requires_grad_();
    const BapResult r = background_aware_pooling(f, plan);
    results.push_back(r.attention);
  }
  at::set_num_threads(threads);
  REQUIRE(at::equal(results[0], results[1]));
}

EACH_PATH_TEST_CASE("batches without boxes, and images without boxes beside others, are pooled", "[cpu]") {
  Batch batch = make_batch("bap no boxes", 3, 4, 8, 8, 2);
  batch.images[1].boxes.clear();
  const at::Tensor weight = on(at::ones({5, 4, 1, 1}, at::kDouble)).requires_grad_();
  {
    const at::Tensor f = on(batch.features.clone()).requires_grad_();
    const LabelerResult r = label_batch(f, weight, plan_of(batch, 4, 2));
    REQUIRE(r.pooled.box_vectors.size(0) == 4 * 4);
    r.loss.backward();
    REQUIRE(f.grad().isfinite().all().item<bool>());
    REQUIRE(f.grad()[1].abs().sum().item<double>() > 0);  // the gradient comes through its queries
  }
  for (BapImage& image : batch.images) image.boxes.clear();
  const at::Tensor f = on(batch.features.clone()).requires_grad_();
  const LabelerResult r = label_batch(f, weight, plan_of(batch, 4, 2));
  REQUIRE(r.pooled.box_vectors.size(0) == 0);
  REQUIRE(r.target.size(0) == r.logits.size(0));
  r.loss.backward();
  REQUIRE(std::isfinite(r.loss.item<double>()));
}

EACH_PATH_TEST_CASE("a batch with neither boxes nor background has loss 0 and a zero gradient", "[cpu]") {
  Batch batch = make_batch("bap nothing", 1, 4, 8, 8, 0);
  std::fill(batch.masks[0].begin(), batch.masks[0].end(), uint8_t{0});
  const at::Tensor f = on(batch.features.clone()).requires_grad_();
  const LabelerResult r = label_batch(f, on(at::ones({5, 4}, at::kDouble)), plan_of(batch, 4, 2));
  r.loss.backward();
  REQUIRE(r.loss.item<double>() == 0);
  REQUIRE(f.grad().abs().max().item<double>() == 0);
}

EACH_PATH_TEST_CASE("an image whose boxes leave no background is pooled plainly", "[cpu]") {
  Batch batch = make_batch("bap full", 1, 4, 8, 8, 2);
  std::fill(batch.masks[0].begin(), batch.masks[0].end(), uint8_t{0});
  const BapResult r = background_aware_pooling(on(batch.features), plan_of(batch, 4, 2));
  REQUIRE(r.attention.eq(1).all().item<bool>());
  REQUIRE(r.box_vectors.isfinite().all().item<bool>());
}

EACH_PATH_TEST_CASE("features that are all zero give finite values and a zero gradient through the attention",
                    "[cpu]") {
  const Batch batch = make_batch("bap dead", 2, 4, 8, 8, 2);
  const at::Tensor f = on(at::zeros_like(batch.features)).requires_grad_();
  const BapResult r = background_aware_pooling(f, plan_of(batch, 4, 2));
  REQUIRE(r.attention.eq(1).all().item<bool>());
  objective(r.box_vectors, r.queries).backward();
  REQUIRE(f.grad().isfinite().all().item<bool>());
}

TEST_CASE("boxes without extent on a cell boundary and inverted boxes are left out and counted", "[cpu]") {
  std::vector<uint8_t> mask(81, 1);
  BapImage image;
  image.background_mask = mask.data();
  image.boxes = {{0.f, -0.5f, 0.f, 0.5f, 1},    // zero width on a boundary: 9 cells, (0+1)*4 = 4
                 {0.1f, -0.5f, 0.1f, 0.5f, 2},  // zero width inside a cell: one column
                 {0.5f, 0.f, -0.5f, 0.5f, 3},   // inverted
                 {-0.5f, -0.5f, 0.5f, 0.5f, 4}};
  const BapPlan plan = make_bap_plan({&image, 1}, {9, 9}, 9, 9, 4, 2, Pooling::bap);
  REQUIRE(plan.dropped_boxes == 2);
  REQUIRE(plan.class_of_box == std::vector<int64_t>{2, 4});
  REQUIRE((plan.boxes[0].cols == 1 && plan.boxes[0].rows == 4));
}

TEST_CASE("boxes attend to the background when it covers more than an eighth of the image", "[cpu]") {
  std::vector<uint8_t> mask(16 * 16, 0);
  BapImage image;
  image.background_mask = mask.data();
  image.boxes = {{-0.5f, -0.5f, 0.5f, 0.5f, 1}};
  std::fill(mask.begin(), mask.begin() + 32, 1);  // the two upper rows
  const BapPlan eighth = make_bap_plan({&image, 1}, {16, 16}, 8, 8, 4, 2, Pooling::bap);
  REQUIRE((eighth.has_valid_background[0] == 0 && eighth.attending[0] == 0));
  REQUIRE(eighth.valid_grid_ids == std::vector<int64_t>{0, 1, 2, 3});  // they stay queries of class 0
  mask[32] = 1;
  const BapPlan more = make_bap_plan({&image, 1}, {16, 16}, 8, 8, 4, 2, Pooling::bap);
  REQUIRE((more.has_valid_background[0] == 1 && more.attending[0] == 4));
  REQUIRE(make_bap_plan({&image, 1}, {16, 16}, 8, 8, 4, 2, Pooling::gap).attending[0] == 0);
}

EACH_PATH_TEST_CASE("on a map of one cell every box is sampled once", "[cpu]") {
  Batch batch = make_batch("bap one cell", 1, 3, 1, 1, 1);
  batch.images[0].boxes = {{-0.5f, 0.f, 0.5f, 1.f, 1}};  // half a cell left of the centre: a quarter lies outside
  const BapResult r = background_aware_pooling(on(batch.features), plan_of(batch, 1, 1, Pooling::gap));
  REQUIRE(largest_difference(r.box_vectors, 0.75 * batch.features.view({1, 3})) < 1e-11);
}

TEST_CASE("the loss of a batch in parts with one normaliser is that of the whole batch", "[cpu]") {
  const Batch batch = make_batch("bap parts", 4, 6, 9, 9, 2);
  const at::Tensor weight = at::arange(5 * 6, at::kDouble).cos().view({5, 6, 1, 1}).requires_grad_();
  const auto whole = plan_of(batch, 4, 2);
  const LabelerResult all = label_batch(batch.features, weight, whole);
  all.loss.backward();
  const at::Tensor expected = weight.grad().clone();
  weight.mutable_grad().zero_();
  double loss = 0;
  for (int64_t i = 0; i < 4; i += 2) {
    Batch part = batch;
    part.images = {batch.images[static_cast<size_t>(i)], batch.images[static_cast<size_t>(i + 1)]};
    part.features = batch.features.slice(0, i, i + 2);
    const LabelerResult r =
        label_batch(part.features, weight, plan_of(part, 4, 2), static_cast<int64_t>(whole->target().size()));
    r.loss.backward();
    loss += r.loss.item<double>();
  }
  REQUIRE(loss == Approx(all.loss.item<double>()).epsilon(1e-12));
  REQUIRE(largest_difference(weight.grad(), expected) < 1e-13);
}

TEST_CASE("a box of a class that the classifier does not know is refused", "[cpu]") {
  const Batch batch = make_batch("bap classes", 1, 4, 8, 8, 3);
  REQUIRE_THROWS_AS(label_batch(batch.features, at::ones({1, 4}, at::kDouble), plan_of(batch, 4, 2)), Error);
}

}  // namespace boxseg
