#include "common/crf/panels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "common/base/random.h"
#include "common/simd/exp_log.h"

#include "tests/support/catch.h"

using namespace boxseg;
using crf::Panels;

TEST_CASE("logarithms are within 2 units in the last place of those in double") {
  using F = Wide<float, 8>;
  double worst = 0;
  const auto check = [&](float x) {
    const float found = log_of_positive(spread_wide<F>(x))[3];
    const double exact = std::log(static_cast<double>(x));
    const double unit = std::nextafter(std::abs(static_cast<float>(exact)), 1e9f) - std::abs(static_cast<float>(exact));
    worst = std::max(worst, std::abs(found - exact) / std::max(unit, 0x1p-24));
  };
  // Values go from the smallest normal number to the largest in uneven steps, and take all about 1, where the sign
  // changes.
  for (uint32_t bits = 0x00800000; bits < 0x7F800000; bits += 9973) check(std::bit_cast<float>(bits));
  for (uint32_t bits = 0x3F7F0000; bits < 0x3F810000; ++bits) check(std::bit_cast<float>(bits));
  CHECK(worst < 2);
  CHECK(log_of_positive(spread_wide<F>(1))[0] == 0.0f);
}

TEST_CASE("log-probabilities in panels are ratios to the last label, clipped, and come back as planes") {
  constexpr float kFloor = 1e-5f;
  for (const int64_t labels : {1, 2, 3, 4, 5, 6, 21})
    for (const int64_t count : {1, 7, 8, 9, 63, 64}) {
      INFO(labels << " labels, " << count << " pixels");
      constexpr int64_t kBefore = 3, kAfter = 2;
      constexpr float kUntouched = -7;
      const int64_t plane = kBefore + count + kAfter;
      Random random(1, "panels", static_cast<uint64_t>(labels), static_cast<uint64_t>(count));
      std::vector<float> probabilities;
      for (int64_t i = 0; i < labels * plane; ++i)
        probabilities.push_back(static_cast<float>(random.uniform(-0.1, 1.1)));
      const auto log_of = [&](int64_t k, int64_t i) {
        const double p = probabilities[static_cast<size_t>(k * plane + i)];
        return std::log(std::clamp(p, double{kFloor}, 1.0));
      };
      const Panels layout = Panels::for_labels(labels);
      // One label has no columns; there has to be something to point into all the same.
      std::vector<float> panels(static_cast<size_t>(std::max<int64_t>(1, layout.columns()) * plane), kUntouched);
      CHECK(crf::log_ratios(probabilities.data() + kBefore, plane, labels, kFloor, layout, plane, count,
                            panels.data() + kBefore * layout.width));
      for (int64_t k = 0; k < layout.columns(); ++k)
        for (int64_t i = 0; i < plane; ++i) {
          const float found =
              panels[static_cast<size_t>((k / layout.width * plane + i) * layout.width + k % layout.width)];
          if (i < kBefore || i >= kBefore + count)
            CHECK(found == kUntouched);
          else if (k >= labels - 1)
            CHECK(found == crf::kNoLabel);
          else
            CHECK(found == Approx(log_of(k, i) - log_of(labels - 1, i)).margin(4e-6));
        }
      std::vector<float> planes(static_cast<size_t>(labels * plane), kUntouched);
      crf::planes_of(panels.data() + kBefore * layout.width, layout, plane, count, labels, plane,
                     planes.data() + kBefore);
      for (int64_t k = 0; k < labels; ++k)
        for (int64_t i = 0; i < plane; ++i) {
          const float found = planes[static_cast<size_t>(k * plane + i)];
          if (k == labels - 1 || i < kBefore || i >= kBefore + count)
            CHECK(found == kUntouched);
          else
            CHECK(found ==
                  panels[static_cast<size_t>((k / layout.width * plane + i) * layout.width + k % layout.width)]);
        }
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity()}) {
        std::vector<float> damaged = probabilities;
        damaged[static_cast<size_t>((labels - 1) / 2 * plane + kBefore + count - 1)] = bad;
        CHECK_FALSE(crf::log_ratios(damaged.data() + kBefore, plane, labels, kFloor, layout, plane, count,
                                    panels.data() + kBefore * layout.width));
      }
    }
}
