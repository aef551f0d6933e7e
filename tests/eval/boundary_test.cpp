// These tests are on how close contours are.
#include "eval/miou/boundary.h"

#include <cmath>
#include <limits>

#include "common/base/random.h"
#include "eval/miou/confusion.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

void fill(LabelMap& map, int64_t x0, int64_t y0, int64_t x1, int64_t y1, uint8_t label) {
  for (int64_t y = std::max<int64_t>(0, y0); y < std::min(map.height, y1); ++y)
    for (int64_t x = std::max<int64_t>(0, x0); x < std::min(map.width, x1); ++x) map.at(y, x) = label;
}

LabelMap with_square(int64_t x, int64_t y, int64_t side = 20) {
  LabelMap map(100, 100);
  fill(map, x, y, x + side, y + side, 1);
  return map;
}

struct Place {
  double y, x;
};

// Everything below is written down from the definition, pixel by pixel and with all distances, in double.
double distance(const Place& a, const Place& b) {
  return std::sqrt((a.y - b.y) * (a.y - b.y) + (a.x - b.x) * (a.x - b.x));
}

LabelMap naively_filled(const LabelMap& map, const LabelMap& truth) {
  LabelMap filled = map;
  for (int64_t y = 0; y < map.height; ++y)
    for (int64_t x = 0; x < map.width; ++x) {
      if (truth.at(y, x) != 255) continue;
      double least = std::numeric_limits<double>::infinity();
      int64_t best_columns = 0;
      // Columns from the left and rows from above: of equal distances the nearer column counts, then the first found.
      for (int64_t u = 0; u < map.width; ++u)
        for (int64_t v = 0; v < map.height; ++v) {
          if (truth.at(v, u) == 255) continue;
          const double d = distance({double(y), double(x)}, {double(v), double(u)});
          const int64_t columns = std::abs(u - x);
          if (d > least || (d == least && columns >= best_columns)) continue;
          least = d, best_columns = columns, filled.at(y, x) = map.at(v, u);
        }
    }
  return filled;
}

std::vector<Place> naive_boundary(const LabelMap& map, int64_t c) {
  std::vector<Place> places;
  const auto is_other = [&](int64_t y, int64_t x) {
    return y >= 0 && x >= 0 && y < map.height && x < map.width && map.at(y, x) != c;
  };
  for (int64_t y = 0; y < map.height; ++y)
    for (int64_t x = 0; x < map.width; ++x)
      if (map.at(y, x) == c && (is_other(y - 1, x) || is_other(y + 1, x) || is_other(y, x - 1) || is_other(y, x + 1)))
        places.push_back({double(y), double(x)});
  return places;
}

double naive_share(const std::vector<Place>& places, const std::vector<Place>& others, double tolerance) {
  double near = 0;
  for (const Place& a : places) {
    double least = std::numeric_limits<double>::infinity();
    for (const Place& b : others) least = std::min(least, distance(a, b));
    near += least <= tolerance;
  }
  return near / static_cast<double>(places.size());
}

std::vector<double> naive_f(const LabelMap& truth, const LabelMap& prediction, int64_t classes) {
  const double tolerance =
      0.0075 * std::sqrt(double(truth.height * truth.height) + double(truth.width * truth.width)) + 1e-9;
  const LabelMap filled_truth = naively_filled(truth, truth), filled = naively_filled(prediction, truth);
  std::vector<double> f;
  for (int64_t c = 0; c < classes; ++c) {
    const auto is_true = naive_boundary(filled_truth, c), predicted = naive_boundary(filled, c);
    if (is_true.empty() || predicted.empty()) {
      f.push_back(is_true.empty() && predicted.empty() ? std::nan("") : 0);
      continue;
    }
    const double precision = naive_share(predicted, is_true, tolerance),
                 recall = naive_share(is_true, predicted, tolerance);
    f.push_back(precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall));
  }
  return f;
}

// Rectangles of classes 0 to 3 on each other, with a band of void around some and a few pixels of noise.
LabelMap scene(int64_t height, int64_t width, Random& random, bool has_void) {
  LabelMap map(height, width);
  for (int i = 0; i < 5; ++i) {
    const int64_t x0 = random.below(width), y0 = random.below(height), x1 = x0 + 1 + random.below(width),
                  y1 = y0 + 1 + random.below(height), band = random.below(4);
    if (has_void) fill(map, x0 - band, y0 - band, x1 + band, y1 + band, 255);
    fill(map, x0 + 1, y0 + 1, x1, y1, static_cast<uint8_t>(random.below(4)));
  }
  for (int i = 0; i < 3; ++i) map.at(random.below(height), random.below(width)) = static_cast<uint8_t>(random.below(4));
  return map;
}

}  // namespace

TEST_CASE("a square that is moved by one pixel has its contour within the tolerance, by two it has half of it") {
  REQUIRE(squared_tolerance(100, 100) == 1);  // 1.06 pixels
  const LabelMap truth = with_square(30, 40);
  CHECK(boundary_f(truth, truth, 2) == std::vector<double>{1, 1});
  CHECK(boundary_f(truth, with_square(31, 40), 2) == std::vector<double>{1, 1});
  // Of 76 boundary pixels of the square the outer column and all but four pixels of the inner one are too far; of 80
  // around it a column, all but two pixels of the other, and a pixel of each row.
  const auto moved = boundary_f(truth, with_square(32, 40), 2);
  CHECK(moved[0] == Approx(40.0 / 80));
  CHECK(moved[1] == Approx(40.0 / 76));
  CHECK(boundary_f(truth, with_square(60, 70), 2) == std::vector<double>{0, 0});
}

TEST_CASE("precision and recall of a contour both count") {
  // The second square is predicted and not true: half of what is predicted is right, and all that is true was found.
  LabelMap two = with_square(10, 10);
  fill(two, 60, 60, 80, 80, 1);
  CHECK(boundary_f(with_square(10, 10), two, 2)[1] == Approx(2 * 0.5 * 1 / 1.5));
  CHECK(boundary_f(two, with_square(10, 10), 2)[1] == Approx(2 * 0.5 * 1 / 1.5));
}

TEST_CASE("the boundary F equals that of the definition with all distances in double") {
  Random random(0, "boundaries");
  int partly = 0;
  for (const auto& [height, width, rounds] :
       {std::tuple{1, 1, 2}, {1, 9, 5}, {7, 1, 5}, {24, 31, 40}, {90, 110, 6}, {170, 215, 2}})
    for (int round = 0; round < rounds; ++round) {
      const LabelMap truth = scene(height, width, random, round % 2 == 0);
      LabelMap prediction(height, width);
      const int64_t dx = random.below(4), dy = random.below(3);
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
          const uint8_t label = truth.at(std::min<int64_t>(height - 1, y + dy), std::min<int64_t>(width - 1, x + dx));
          prediction.at(y, x) = label == 255 ? static_cast<uint8_t>(x / 5 % 4) : label;
        }
      const auto f = boundary_f(truth, prediction, 5), expected = naive_f(truth, prediction, 5);
      REQUIRE(f.size() == 5);
      CAPTURE(height, width, round);
      for (size_t c = 0; c < 5; ++c) {
        CAPTURE(c);
        if (std::isnan(expected[c]))
          REQUIRE(std::isnan(f[c]));
        else
          REQUIRE(std::abs(f[c] - expected[c]) <= 1e-12);
        partly += f[c] > 0 && f[c] < 1;
      }
    }
  REQUIRE(partly > 100);  // comparisons of 0 and 1 alone would say little
}

TEST_CASE("the tolerance is 0.75 % of the diagonal, its end included") {
  CHECK(squared_tolerance(240, 320) == 9);   // 3 pixels, though 0.0075 * 400 may be less in floating point
  CHECK(squared_tolerance(375, 500) == 21);  // 4.69
  CHECK(squared_tolerance(60, 80) == 0);     // 0.75
  LabelMap truth(240, 320), prediction(240, 320);
  fill(truth, 0, 0, 100, 240, 1);
  fill(prediction, 0, 0, 103, 240, 1);
  CHECK(boundary_f(truth, prediction, 2) == std::vector<double>{1, 1});
  fill(prediction, 0, 0, 104, 240, 1);
  CHECK(boundary_f(truth, prediction, 2) == std::vector<double>{0, 0});
}

TEST_CASE("what is predicted on void is no matter, and the rim of void is no boundary") {
  LabelMap truth(50, 60);  // a tolerance of half a pixel
  fill(truth, 15, 12, 40, 35, 255);
  fill(truth, 18, 15, 37, 32, 1);
  fill(truth, 50, 5, 58, 15, 255);  // nobody says what this is
  LabelMap smaller = truth, larger = truth, noisy = truth;
  Random random(0, "void");
  for (size_t p = 0; p < truth.pixels.size(); ++p)
    if (truth.pixels[p] == 255) {
      smaller.pixels[p] = 0, larger.pixels[p] = 1;
      noisy.pixels[p] = static_cast<uint8_t>(random.below(3));
    }
  for (const LabelMap& prediction : {truth, smaller, larger, noisy}) {
    const auto f = boundary_f(truth, prediction, 3);
    CHECK(f[0] == 1);
    CHECK(f[1] == 1);
    CHECK(std::isnan(f[2]));
  }
  // The contour that is missed altogether is not hidden by void.
  CHECK(boundary_f(truth, LabelMap(50, 60), 2) == std::vector<double>{0, 0});
  CHECK(boundary_f(truth, LabelMap(50, 60, 1), 2) == std::vector<double>{0, 0});
  for (const double f : boundary_f(LabelMap(8, 9, 255), LabelMap(8, 9), 2)) CHECK(std::isnan(f));
}

TEST_CASE("boundaries are averaged over the images that have them, and then over classes") {
  const double nan = std::nan("");
  BoundaryMean mean(3);
  CHECK(std::isnan(mean.mean()));
  mean.add({1, 0.5, nan});
  mean.add({0.5, nan, nan});
  mean.add({});  // an image that was not measured
  mean.add({0.3, 0.25, nan});
  CHECK(mean.per_class()[0] == Approx(60));
  CHECK(mean.per_class()[1] == Approx(37.5));
  CHECK(std::isnan(mean.per_class()[2]));
  CHECK(mean.mean() == Approx(48.75));
}
