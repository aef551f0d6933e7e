#include "common/crf/permutohedral.h"

#include <algorithm>
#include <cmath>

#include "common/base/random.h"
#include "tests/crf/naive_crf.h"

#include "tests/support/catch.h"

using namespace boxseg;
using crf::kLift;

namespace {

// `room`: how far features may reach beyond those of the points.
crf::PermutohedralLattice build(const std::vector<std::vector<double>>& points, bool has_origin = false,
                                float room = 0) {
  crf::PermutohedralLattice lattice;
  crf::PermutohedralLattice::Options o;
  o.dimensions = static_cast<int>(points[0].size());
  for (const auto& point : points)
    for (size_t d = 0; d < point.size(); ++d) o.largest[d] = std::max(o.largest[d], static_cast<float>(point[d]));
  for (float& largest : o.largest) largest += room;
  o.has_origin = has_origin;
  o.memory_limit_bytes = int64_t{1} << 40;
  crf::BuildSpace space;
  lattice.build(
      static_cast<int64_t>(points.size()),
      [&](int64_t first, float* features) {
        for (int d = 0; d < o.dimensions; ++d)
          for (int l = 0; l < kLift; ++l) {
            const size_t p = static_cast<size_t>(first + l);
            features[d * kLift + l] = p < points.size() ? static_cast<float>(points[p][static_cast<size_t>(d)]) : 0;
          }
      },
      o, space);
  return lattice;
}

}  // namespace

TEST_CASE("a point on a lattice vertex keeps 0.9 of a constant in two dimensions") {
  // By hand, splatting gives 1 at (0,0,0) and 0 at the corners (1,1,-2) and (2,-1,-1). The blur along the three axes
  // makes these (1, 0, 0.5), (1, 0.25, 0.5), (1.125, 0.75, 0.5). The constant is 1 / (1 + 1/4).
  auto lattice = build({{0, 0}});
  CHECK(lattice.vertices() == 3);
  float ones = 0;
  crf::Buffer<float> values, scratch;
  lattice.filter_ones(&ones, 1, values, scratch);
  CHECK(ones == Approx(0.9).epsilon(1e-7));
}

TEST_CASE("a point far from all others is filtered as if it were alone") {
  crf::Buffer<float> values, scratch;
  float alone = 0, both[2];
  build({{7.3, 2.9}}).filter_ones(&alone, 1, values, scratch);
  build({{7.3, 2.9}, {150, 80}}).filter_ones(both, 1, values, scratch);
  CHECK(both[0] == alone);
}

TEMPLATE_TEST_CASE_SIG("filtering equals a naive lattice in double", "", ((int D), D), 2, 5) {
  for (const bool has_origin : {false, true})
    for (const int count : {1, 3, 8, 200}) {
      INFO(count << " points, " << D << " features");
      Random random(2, "filter", static_cast<uint64_t>(D), static_cast<uint64_t>(count));
      std::vector<std::vector<double>> points(static_cast<size_t>(count));
      for (auto& point : points)
        for (int d = 0; d < D; ++d) point.push_back(static_cast<float>(random.uniform(0.01, 3)));
      auto lattice = build(points, has_origin);
      const test::NaiveLattice naive(points, has_origin);

      std::vector<float> ones(static_cast<size_t>(count));
      crf::Buffer<float> values, scratch;
      lattice.filter_ones(ones.data(), 1, values, scratch);
      const auto expected_ones = naive.filter(std::vector<double>(static_cast<size_t>(count), 1.0));
      for (size_t p = 0; p < ones.size(); ++p) CHECK(ones[p] == Approx(expected_ones[p]).epsilon(1e-5));

      // Seven labels lie in two panels of four, which are filtered together and each alone. A factor of 1 leaves the
      // plain filter.
      const auto step = static_cast<size_t>(count) * 4;
      const auto at = [&](size_t p, size_t k) { return k / 4 * step + p * 4 + k % 4; };
      std::vector<float> rows(2 * step), sums(rows.size(), 0.5f), sums_alone = sums;
      std::array<std::vector<double>, 7> columns;
      for (auto& column : columns) column.resize(static_cast<size_t>(count));
      for (size_t p = 0; p < static_cast<size_t>(count); ++p)
        for (size_t k = 0; k < columns.size(); ++k)
          rows[at(p, k)] = static_cast<float>(columns[k][p] = static_cast<float>(random.uniform(-1, 1)));
      lattice.scale_weights(std::vector<float>(static_cast<size_t>(count), 1.0f).data(), 1);
      lattice.splat_and_blur({rows.data(), 4, 2, static_cast<int64_t>(step)}, 1, values, scratch);
      lattice.slice(values, {sums.data(), 4, 2, static_cast<int64_t>(step)}, lattice.alpha(), 0, count);
      for (const size_t panel : {0u, 1u}) {
        lattice.splat_and_blur({rows.data() + panel * step, 4}, 1, values, scratch);
        lattice.slice(values, {sums_alone.data() + panel * step, 4}, lattice.alpha(), 0, count);
      }
      CHECK(sums == sums_alone);
      for (size_t k = 0; k < columns.size(); ++k) {
        const auto expected = naive.filter(columns[k]);
        for (size_t p = 0; p < static_cast<size_t>(count); ++p)
          CHECK(sums[at(p, k)] - 0.5 == Approx(expected[p]).margin(2e-5));
      }
    }
}

TEMPLATE_TEST_CASE_SIG("vertices are numbered alike by their cells and by sorting", "", ((int D), D), 2, 5) {
  Random random(4, "numbers", static_cast<uint64_t>(D));
  std::vector<std::vector<double>> points(5000);
  for (auto& point : points)
    for (int d = 0; d < D; ++d) point.push_back(random.uniform(0, 0.5));
  const auto filtered = [&](const crf::PermutohedralLattice& lattice) {
    std::vector<float> rows(points.size()), result(points.size());
    for (size_t p = 0; p < rows.size(); ++p) rows[p] = static_cast<float>(p % 17);
    crf::Buffer<float> values, scratch;
    lattice.splat_and_blur({rows.data()}, 1, values, scratch);
    lattice.slice(values, {result.data()}, 1, 0, static_cast<int64_t>(points.size()));
    return result;
  };
  // Features that reach so far make more cells than there are bits for.
  const auto by_cells = build(points), by_sorting = build(points, false, D == 2 ? 1e4f : 1e2f);
  CHECK(by_cells.vertices() == by_sorting.vertices());
  CHECK(filtered(by_cells) == filtered(by_sorting));
}

TEMPLATE_TEST_CASE_SIG("classes of more vertices than 16 bits can name are filtered alike", "", ((int D), D), 2, 5) {
  // The points are so far apart that each has vertices of its own: as many in a class as there are points. 65,536 still
  // fit.
  for (const size_t count : {65'536, 65'537}) {
    Random random(3, "wide", static_cast<uint64_t>(D), count);
    std::vector<std::vector<double>> points(count);
    for (size_t p = 0; p < count; ++p) {
      for (int d = 0; d < D; ++d) points[p].push_back(random.uniform(0, 1));
      points[p][0] += static_cast<double>(p % 256) * 8;
      points[p][1] += static_cast<double>(p / 256) * 8;
    }
    auto lattice = build(points);
    CHECK(lattice.vertices() == static_cast<int64_t>(count) * (D + 1));
    std::vector<float> ones(count);
    crf::Buffer<float> values, scratch;
    lattice.filter_ones(ones.data(), 1, values, scratch);
    float one = 0, worst = 0;
    for (size_t p = 0; p < count; ++p) {
      if (p % 97 != 0 && p + 5 < count) continue;  // one in a hundred stands alone, and so does the last
      build({points[p]}).filter_ones(&one, 1, values, scratch);
      worst = std::max(worst, std::abs(ones[p] - one));
    }
    CHECK(worst < 1e-6f);
  }
}

TEST_CASE("among more vertices than 16 bits can name, neighbours are found") {
  Random random(4, "neighbours", 0, 0);
  std::vector<std::vector<double>> points(70'000);
  for (auto& point : points)
    point = {static_cast<float>(random.uniform(0, 1500)), static_cast<float>(random.uniform(0, 1500))};
  auto lattice = build(points);
  CHECK(lattice.vertices() > 3 * 65'536);  // and fewer than 3 for each point: they share
  CHECK(lattice.vertices() < 3 * 69'500);
  std::vector<float> ones(points.size());
  for (const int threads : {1, 2}) {
    crf::Buffer<float> values, scratch;
    lattice.filter_ones(ones.data(), threads, values, scratch);
    const auto expected = test::NaiveLattice(points).filter(std::vector<double>(points.size(), 1.0));
    // Where rounding puts a point beyond a face, another vertex exists, through which its neighbours are blurred.
    int64_t differ = 0;
    for (size_t p = 0; p < points.size(); ++p) differ += std::abs(ones[p] - expected[p]) > 1e-3;
    CHECK(differ < 50);
  }
}
