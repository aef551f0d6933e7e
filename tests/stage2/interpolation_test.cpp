#include "common/labels/interpolation.h"

#include <cmath>

#include "common/base/random.h"
#include "common/ops/cell_algebra.h"
#include "common/ops/gram_maps.h"
#include "tests/nn/paths.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

std::vector<float> random_values(size_t n, const std::string& purpose) {
  Random random(1, purpose);
  std::vector<float> values(n);
  for (auto& v : values) v = static_cast<float>(random.uniform());
  return values;
}

at::Tensor as_features(const std::vector<float>& values, int64_t c, int64_t h, int64_t w) {
  return at::from_blob(const_cast<float*>(values.data()), {c, h, w}, at::kFloat).clone();
}

// Returns F at a pixel, in double, straight from the definition.
double naive_at(const float* map, ImageSize cells, ImageSize pixels, int64_t y, int64_t x) {
  const auto place = [](int64_t i, int64_t in, int64_t out) {
    return out > 1 ? static_cast<double>(i) * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0.0;
  };
  const double py = place(y, cells.height, pixels.height), px = place(x, cells.width, pixels.width);
  double sum = 0;
  for (int64_t i = 0; i < cells.height; ++i)
    for (int64_t j = 0; j < cells.width; ++j)
      sum += std::max(0.0, 1 - std::abs(py - static_cast<double>(i))) *
             std::max(0.0, 1 - std::abs(px - static_cast<double>(j))) * map[i * cells.width + j];
  return sum;
}

const std::vector<std::pair<ImageSize, ImageSize>> kSizes = {{{5, 7}, {33, 50}}, {{1, 1}, {9, 4}}, {{1, 6}, {1, 40}},
                                                             {{4, 3}, {4, 3}},   {{6, 5}, {3, 2}}, {{3, 3}, {1, 1}}};

}  // namespace

TEST_CASE("interpolated maps equal the definition in double", "[stage2]") {
  for (const auto& [cells, pixels] : kSizes) {
    INFO(cells.height << "x" << cells.width << " to " << pixels.height << "x" << pixels.width);
    const auto map = random_values(static_cast<size_t>(cells.height * cells.width), "map");
    std::vector<float> out(static_cast<size_t>(pixels.height * pixels.width));
    Interpolation(cells, pixels, 3).map(map.data(), out.data());
    for (int64_t y = 0; y < pixels.height; ++y)
      for (int64_t x = 0; x < pixels.width; ++x)
        REQUIRE(out[static_cast<size_t>(y * pixels.width + x)] ==
                Approx(naive_at(map.data(), cells, pixels, y, x)).margin(1e-5));
  }
}

TEST_CASE("the adjoint gives sums of interpolated maps over pixels", "[stage2]") {
  for (const auto& [cells, pixels] : kSizes) {
    INFO(cells.height << "x" << cells.width << " to " << pixels.height << "x" << pixels.width);
    const auto map = random_values(static_cast<size_t>(cells.height * cells.width), "map");
    std::vector<int32_t> group(static_cast<size_t>(pixels.height * pixels.width));
    Random random(2, "groups");
    for (auto& g : group) g = static_cast<int32_t>(random.below(4)) - 1;
    const auto weights = Interpolation(cells, pixels).adjoint(group, 3);
    for (int64_t g = 0; g < 3; ++g) {
      double expected = 0, found = 0;
      for (size_t p = 0; p < group.size(); ++p)
        if (group[p] == g)
          expected += naive_at(map.data(), cells, pixels, static_cast<int64_t>(p) / pixels.width,
                               static_cast<int64_t>(p) % pixels.width);
      for (size_t a = 0; a < map.size(); ++a) found += weights[static_cast<size_t>(g) * map.size() + a] * map[a];
      CHECK(found == Approx(expected).epsilon(1e-5).margin(1e-5));
    }
  }
}

TEST_CASE("norms of interpolated features come from the Gram maps alone", "[stage2]") {
  const int64_t channels = 19;
  for (const auto& [cells, pixels] : kSizes) {
    INFO(cells.height << "x" << cells.width << " to " << pixels.height << "x" << pixels.width);
    const int64_t area = cells.height * cells.width;
    const auto values = random_values(static_cast<size_t>(channels * area), "features");
    const at::Tensor gram =
        gram_maps(as_features(values, channels, cells.height, cells.width).unsqueeze(0)).contiguous();
    std::vector<float> norm(static_cast<size_t>(pixels.height * pixels.width));
    Interpolation(cells, pixels).norm(gram.const_data_ptr<float>(), norm.data());
    for (int64_t y = 0; y < pixels.height; ++y)
      for (int64_t x = 0; x < pixels.width; ++x) {
        double squared = 0;
        for (int64_t c = 0; c < channels; ++c)
          squared += std::pow(naive_at(values.data() + c * area, cells, pixels, y, x), 2);
        REQUIRE(norm[static_cast<size_t>(y * pixels.width + x)] == Approx(std::sqrt(squared)).epsilon(1e-5));
      }
  }
}

TEST_CASE("a feature of length 0 has the norm 1e-12, not 0", "[stage2]") {
  const std::vector<float> gram(5 * 4, 0.f);
  std::vector<float> norm(9);
  Interpolation({2, 2}, {3, 3}).norm(gram.data(), norm.data());
  for (const float n : norm) CHECK(n == 1e-12f);
}

EACH_PATH_TEST_CASE("products over cells equal sums in double within the rounding of float32", "[stage2]") {
  const int64_t channels = 37, h = 23, w = 29, n = 4;
  const auto values = random_values(static_cast<size_t>(channels * h * w), "features");
  const at::Tensor features = on(as_features(values, channels, h, w));
  const auto drawn = [&](int64_t count, const char* name) {
    const auto v = random_values(static_cast<size_t>(count), name);
    return std::vector<double>(v.begin(), v.end());
  };
  const auto vectors = drawn(n * channels, "vectors"), weights = drawn(n * h * w, "weights");
  const auto matrix = [](const std::vector<double>& v, int64_t rows) {
    return at::from_blob(const_cast<double*>(v.data()), {rows, static_cast<int64_t>(v.size()) / rows}, at::kDouble);
  };
  const at::Tensor f = features.cpu().to(at::kDouble).view({channels, h * w});
  const auto projected = project(features, vectors, n, 1);
  const auto pooled = pool(features, weights, n, 1);
  const at::Tensor products = at::mm(matrix(vectors, n), f), sums = at::mm(matrix(weights, n), f.t());
  REQUIRE(static_cast<int64_t>(projected.size()) == products.numel());
  REQUIRE(static_cast<int64_t>(pooled.size()) == sums.numel());
  for (int64_t i = 0; i < products.numel(); ++i)
    REQUIRE(projected[static_cast<size_t>(i)] ==
            Approx(products.const_data_ptr<double>()[i]).epsilon(1e-7).margin(1e-7));
  for (int64_t i = 0; i < sums.numel(); ++i)
    REQUIRE(pooled[static_cast<size_t>(i)] == Approx(sums.const_data_ptr<double>()[i]).epsilon(1e-13).margin(1e-13));
}

TEST_CASE("products over cells equal naive sums and do not depend on threads", "[stage2]") {
  const int64_t channels = 37, h = 23, w = 29, n = 4;  // more cells than one piece
  const auto values = random_values(static_cast<size_t>(channels * h * w), "features");
  const auto features = as_features(values, channels, h, w);
  const auto to_double = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  const auto vectors = to_double(random_values(static_cast<size_t>(n * channels), "vectors"));
  const auto weights = to_double(random_values(static_cast<size_t>(n * h * w), "weights"));
  const auto projected = project(features, vectors, n, 1);
  const auto pooled = pool(features, weights, n, 1);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t a = 0; a < h * w; ++a) {
      double sum = 0;
      for (int64_t c = 0; c < channels; ++c)
        sum += vectors[static_cast<size_t>(i * channels + c)] * values[static_cast<size_t>(c * h * w + a)];
      REQUIRE(projected[static_cast<size_t>(i * h * w + a)] == static_cast<float>(sum));
    }
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (int64_t a = 0; a < h * w; ++a)
        sum += weights[static_cast<size_t>(i * h * w + a)] * values[static_cast<size_t>(c * h * w + a)];
      REQUIRE(pooled[static_cast<size_t>(i * channels + c)] == Approx(sum).epsilon(1e-13));
    }
  }
  for (const int threads : {2, 5}) {
    CHECK(project(features, vectors, n, threads) == projected);
    CHECK(pool(features, weights, n, threads) == pooled);
  }
}
