#include "stage3_segment/pixel_lanes.h"

#include <algorithm>
#include <cmath>

#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("eight exponentials at a time are within 3e-7 of exact ones, and never subnormal") {
  double worst = 0;
  for (float x = -60; x <= 1e-3f; x += 0.00731f) {
    const PixelLanes<float> e = exp_of(PixelLanes<float>{x, x + 0.001f, 0, -60, -61, -88, -1e4f, -1e30f});
    for (int lane = 0; lane < 2; ++lane)
      worst = std::max(worst, std::fabs(e[lane] / std::exp(static_cast<double>(lane == 0 ? x : x + 0.001f)) - 1));
    REQUIRE(e[2] == 1);
    for (int lane = 4; lane < 8; ++lane) REQUIRE(e[lane] == e[3]);
    REQUIRE(e[3] == Approx(8.75651e-27));
  }
  REQUIRE(worst > 0);
  REQUIRE(worst < 3e-7);
}

TEST_CASE("eight logarithms at a time are within 3e-7 of exact ones") {
  for (float x = 1e-6f; x < 1e6f; x *= 1.0031f) {
    const float exact = static_cast<float>(std::log(static_cast<double>(x)));
    REQUIRE(std::fabs(log_of(spread(x))[3] - exact) <= 3e-7f * std::max(1.0f, std::fabs(exact)));
  }
}

TEST_CASE("sums over the lanes of four are each its own") {
  const PixelLanes<float> ones = spread(1.0f), first{1, 2, 3, 4, 5, 6, 7, 8};
  const FourSums<float> sums = sums_over_lanes<float>(first, ones, 10 * first, 100 * ones);
  REQUIRE(sums.of_a == 36);
  REQUIRE(sums.of_b == 8);
  REQUIRE(sums.of_c == 360);
  REQUIRE(sums.of_d == 800);
}
