// Makes images and probabilities for CRF tests from the test's name.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/random.h"

namespace boxseg::test {

struct CrfCase {
  int64_t labels, height, width;
  std::vector<uint8_t> rgb;
  std::vector<float> probabilities;
};

// Makes a smooth picture with noise and an edge, and blobs of probability that sum to 1; colours are at least
// `darkest`.
inline CrfCase make_crf_case(std::string_view name, int64_t labels, int64_t height, int64_t width, int darkest = 1,
                             int noise = 20) {
  CrfCase c{labels, height, width, {}, {}};
  Random random(1, name, static_cast<uint64_t>(labels), static_cast<uint64_t>(height * 100000 + width));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int channel = 0; channel < 3; ++channel) {
        const double wave = 60 * std::sin(0.11 * static_cast<double>(x + 2 * y) + channel);
        const double value = (x * 3 > width ? 140 : 90) + wave + random.uniform(-noise, noise);
        c.rgb.push_back(static_cast<uint8_t>(std::clamp(value, static_cast<double>(darkest), 255.0)));
      }
  const int64_t n = height * width;
  c.probabilities.resize(static_cast<size_t>(labels * n));
  for (int64_t p = 0; p < n; ++p) {
    double sum = 0;
    std::vector<double> weight;
    for (int64_t k = 0; k < labels; ++k) {
      weight.push_back(0.05 +
                       std::pow(std::sin(0.07 * static_cast<double>(p % width) + 1.9 * static_cast<double>(k)), 2) +
                       random.uniform(0, 0.8));
      sum += weight.back();
    }
    for (int64_t k = 0; k < labels; ++k)
      c.probabilities[static_cast<size_t>(k * n + p)] = static_cast<float>(weight[static_cast<size_t>(k)] / sum);
  }
  return c;
}

}  // namespace boxseg::test
