#include "common/ops/gram_maps.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/base/random.h"
#include "common/labels/squared_norm.h"
#include "tests/nn/paths.h"
#include "tests/nn/tensors.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

at::Tensor random_features(const std::string& name, at::IntArrayRef shape, at::ScalarType type) {
  Random random(0, name);
  return test::normal_tensor(random, shape, type);
}

// Computes the maps by their contract, cell by cell, in double.
at::Tensor naive_maps(const at::Tensor& features) {
  const at::Tensor f = features.to(at::kDouble).contiguous();
  const auto a = f.accessor<double, 4>();
  const int64_t n = f.size(0), channels = f.size(1), h = f.size(2), w = f.size(3);
  at::Tensor maps = at::zeros({n, 5, h, w}, at::kDouble);
  auto m = maps.accessor<double, 4>();
  const int64_t from[5][2] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 1}},
                to[5][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, 0}};
  for (int64_t i = 0; i < n; ++i)
    for (int k = 0; k < 5; ++k)
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
          const int64_t y1 = y + from[k][0], x1 = x + from[k][1], y2 = y + to[k][0], x2 = x + to[k][1];
          if (std::max(y1, y2) >= h || std::max(x1, x2) >= w) continue;
          for (int64_t c = 0; c < channels; ++c) m[i][k][y][x] += a[i][c][y1][x1] * a[i][c][y2][x2];
        }
  return maps;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  const auto here = [](const at::Tensor& t) { return t.cpu().to(at::kDouble); };
  return a.numel() == 0 ? 0.0 : (here(a) - here(b)).abs().max().item<double>();
}

const std::vector<std::vector<int64_t>> kShapes = {{1, 1, 1, 1},   {2, 3, 1, 5},   {1, 70, 6, 1},  {2, 130, 5, 41},
                                                   {1, 9, 17, 16}, {1, 64, 3, 17}, {3, 65, 2, 33}, {0, 4, 3, 3},
                                                   {1, 0, 3, 3},   {2, 8, 7, 18}};

}  // namespace

EACH_PATH_TEST_CASE("gram maps of a 2x2 map are the six products written out", "[cpu]") {
  const at::Tensor f = at::tensor({1., 2., 3., 4., 5., 6., 7., 8.}).reshape({1, 2, 2, 2}).to(at::kDouble);
  const at::Tensor expected = at::tensor({26., 40., 58., 80.,  // with itself
                                          32., 0.,  68., 0.,   // 1*2+5*6, 3*4+7*8
                                          38., 56., 0.,  0.,   // 1*3+5*7, 2*4+6*8
                                          44., 0.,  0.,  0.,   // 1*4+5*8
                                          48., 0.,  0.,  0.})  // 2*3+6*7
                                  .reshape({1, 5, 2, 2})
                                  .to(at::kDouble);
  REQUIRE(at::equal(gram_maps(on(f)).cpu(), expected));
}

EACH_PATH_TEST_CASE("gram maps equal the naive loop for all shapes, types and strides", "[cpu]") {
  for (const auto& shape : kShapes)
    for (const auto type : {at::kFloat, at::kDouble}) {
      const at::Tensor f = random_features("gram naive", shape, type);
      const double tolerance = type == at::kFloat ? 2e-5 : 1e-13;
      INFO("shape " << shape[0] << " " << shape[1] << " " << shape[2] << " " << shape[3]);
      const at::Tensor expected = naive_maps(f);
      REQUIRE(largest_difference(gram_maps(on(f)), expected) <= tolerance * std::max<double>(1, shape[1]) / 10);
      const at::Tensor strided = on(f).transpose(2, 3).contiguous().transpose(2, 3);
      REQUIRE(at::equal(gram_maps(strided), gram_maps(on(f))));
    }
}

EACH_PATH_TEST_CASE("the backward pass of gram maps is the adjoint of their derivative", "[cpu]") {
  // maps(f) is quadratic: maps(f+d) - maps(f-d) = 2 J(f) d exactly, so <g, J d> = <J' g, d> needs no small step.
  for (const auto& shape : kShapes) {
    if (shape[0] * shape[1] == 0) continue;
    const at::Tensor f = random_features("gram adjoint f", shape, at::kDouble);
    const at::Tensor d = random_features("gram adjoint d", shape, at::kDouble);
    const at::Tensor g = random_features("gram adjoint g", {shape[0], 5, shape[2], shape[3]}, at::kDouble);
    const double left = (g * (naive_maps(f + d) - naive_maps(f - d))).sum().item<double>() / 2;
    const double right = (gram_maps_backward(on(g), on(f)).cpu() * d).sum().item<double>();
    INFO("shape " << shape[0] << " " << shape[1] << " " << shape[2] << " " << shape[3]);
    REQUIRE(right == Approx(left).epsilon(1e-11).margin(1e-11));
    const at::Tensor single = gram_maps_backward(on(g.to(at::kFloat)), on(f.to(at::kFloat)));
    REQUIRE(largest_difference(single, gram_maps_backward(on(g), on(f))) < 2e-5);
  }
}

EACH_PATH_TEST_CASE("the adjoint of gram maps is added to what is there", "[cpu]") {
  const at::Tensor f = random_features("gram add f", {1, 3, 4, 20}, at::kDouble);
  const at::Tensor g = random_features("gram add g", {1, 5, 4, 20}, at::kDouble);
  at::Tensor sum = on(at::ones_like(f));
  add_gram_maps_backward(sum, on(g), on(f));
  REQUIRE(largest_difference(sum, gram_maps_backward(on(g), on(f)) + 1) < 1e-14);
}

EACH_PATH_TEST_CASE("gram maps and their adjoint look at nothing outside the map", "[cpu]") {
  for (const auto& shape : kShapes)
    for (const auto type : {at::kFloat, at::kDouble}) {
      const at::Tensor f = on(random_features("gram sentinels", shape, type));
      const at::Tensor g = on(random_features("gram sentinels g", {shape[0], 5, shape[2], shape[3]}, type));
      // The same features stand between not-a-numbers, which would survive a factor of 0.
      constexpr int64_t kMargin = 256;
      at::Tensor buffer = at::full({f.numel() + 2 * kMargin}, NAN, f.options());
      const at::Tensor inside = buffer.slice(0, kMargin, kMargin + f.numel()).view(shape);
      inside.copy_(f);
      REQUIRE(inside.is_contiguous());
      INFO("shape " << shape[0] << " " << shape[1] << " " << shape[2] << " " << shape[3]);
      REQUIRE(at::equal(gram_maps(inside), gram_maps(f)));
      REQUIRE(at::equal(gram_maps_backward(g, inside), gram_maps_backward(g, f)));
      REQUIRE(gram_maps_backward(g, f).isfinite().all().item<bool>());
    }
}

TEST_CASE("gram maps at some cells have the bits of whole ones, and leave the others", "[cpu]") {
  for (const auto& shape : kShapes) {
    if (shape[0] == 0 || shape[1] == 0) continue;
    const int64_t channels = shape[1], h = shape[2], w = shape[3], area = h * w;
    const at::Tensor f = random_features("gram cells", {1, channels, h, w}, at::kFloat), whole = gram_maps(f);
    for (const CellRuns& cells :
         {CellRuns{}, CellRuns{{{0, area / 2}, {area - area / 3, area}}}, CellRuns{{{area / 4, area - 1}}}}) {
      GramSums<float> sums(channels, h, w, cells);
      for (int64_t block = 0; block < sums.blocks(); ++block) sums.add(f.const_data_ptr<float>(), block);
      std::vector<float> maps(static_cast<size_t>(5 * area), 77);
      sums.write(maps.data());
      std::vector<float> expected(maps.size(), 77);
      for (const auto& run : cells.runs)
        for (int64_t k = 0; k < 5; ++k)
          std::copy_n(whole.const_data_ptr<float>() + k * area + run.begin, run.end - run.begin,
                      expected.begin() + k * area + run.begin);
      CAPTURE(h, w, cells.runs.size());
      REQUIRE(maps == expected);
    }
  }
}

TEST_CASE("gram maps have the same bits for any number of threads", "[cpu]") {
  const at::Tensor f = random_features("gram threads", {2, 100, 9, 41}, at::kFloat);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = gram_maps(f), one_back = gram_maps_backward(one, f);
  at::set_num_threads(4);
  const at::Tensor four = gram_maps(f), four_back = gram_maps_backward(one, f);
  at::set_num_threads(threads);
  REQUIRE(at::equal(one, four));
  REQUIRE(at::equal(one_back, four_back));
}

TEST_CASE("the norm at a point follows from the gram maps", "[cpu]") {
  const int64_t h = 5, w = 7, area = h * w;
  const at::Tensor f = random_features("gram norm", {1, 6, h, w}, at::kDouble), maps = gram_maps(f);
  const auto a = f.accessor<double, 4>();
  Random random(0, "gram norm points");
  for (int i = 0; i < 200; ++i) {
    const int64_t y = random.below(h), x = random.below(w);
    const bool right = x + 1 < w, lower = y + 1 < h;
    const double u = right ? random.uniform() : 0, v = lower ? random.uniform() : 0;
    double expected = 0;
    for (int64_t c = 0; c < 6; ++c) {
      const auto at = [&](int64_t dy, int64_t dx) {
        return (dy && !lower) || (dx && !right) ? 0 : a[0][c][y + dy][x + dx];
      };
      const double value = (1 - v) * ((1 - u) * at(0, 0) + u * at(0, 1)) + v * ((1 - u) * at(1, 0) + u * at(1, 1));
      expected += value * value;
    }
    const double norm = squared_norm_at<double>(maps.data_ptr<double>(), area, y * w + x, w, right, lower,
                                                (1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u);
    REQUIRE(norm == Approx(expected).epsilon(1e-12));
  }
}

}  // namespace boxseg
