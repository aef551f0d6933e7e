#include "common/networks/lite0/channel_convolutions.h"

#include <algorithm>
#include <vector>

#include "common/base/random.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

std::vector<float> drawn(Random& random, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  return values;
}

double relu6(double x) { return std::clamp(x, 0.0, 6.0); }

// Computes one output, tap by tap.
double naive_depthwise(const DepthwiseShape& s, int64_t y, int64_t x, int64_t c, const std::vector<float>& in,
                       const std::vector<float>& weight, const std::vector<float>& bias) {
  double sum = bias[static_cast<size_t>(c)];
  for (int64_t ky = 0; ky < s.kernel; ++ky)
    for (int64_t kx = 0; kx < s.kernel; ++kx) {
      const int64_t v = y * s.stride - s.pad_top + ky * s.dilation, u = x * s.stride - s.pad_left + kx * s.dilation;
      if (v < 0 || v >= s.in_height || u < 0 || u >= s.in_width) continue;
      sum += double{in[static_cast<size_t>((v * s.in_width + u) * s.channels + c)]} *
             weight[static_cast<size_t>((ky * s.kernel + kx) * s.channels + c)];
    }
  return relu6(sum);
}

double naive_stem(const StemShape& s, int64_t y, int64_t x, int64_t c, const std::vector<float>& planes,
                  const std::vector<float>& weight, const std::vector<float>& bias) {
  double sum = bias[static_cast<size_t>(c)];
  for (int64_t k = 0; k < 27; ++k) {
    const int64_t v = 2 * y - s.pad_top + k % 9 / 3, u = 2 * x - s.pad_left + k % 3;
    if (v < 0 || v >= s.height || u < 0 || u >= s.width) continue;
    sum += double{planes[static_cast<size_t>((k / 9 * s.height + v) * s.width + u)]} *
           weight[static_cast<size_t>(k * 32 + c)];
  }
  return relu6(sum);
}

constexpr double kTolerance = 1e-5;

// Checks rows that `compute` makes: near the expected ones, and with equal bits whatever the instructions.
template <class Compute>
void check_rows(const std::vector<double>& expected, const Compute& compute) {
  std::vector<float> row(expected.size()), best(expected.size());
  compute(row.data(), InstructionSet::kCompiled);
  compute(best.data(), instruction_set());
  REQUIRE(row == best);
  for (size_t i = 0; i < row.size(); ++i) REQUIRE(row[i] == Approx(expected[i]).margin(kTolerance));
}

struct Form {
  int64_t kernel, stride, dilation;
};
constexpr Form kForms[] = {{3, 1, 1}, {3, 2, 1}, {5, 1, 2}, {5, 2, 1}};

}  // namespace

TEST_CASE("depthwise rows are those of the definition, with equal bits whatever the instructions") {
  Random random(5, "depthwise");
  for (const int64_t channels : {8, 16, 24, 72, 144})
    for (const auto& [kernel, stride, dilation] : kForms)
      for (const int64_t width : {1, 4, 17}) {
        const int64_t height = 9, out_width = (width + stride - 1) / stride, pad = (kernel - 1) * dilation / 2;
        const DepthwiseShape shape{channels, kernel, stride, dilation, height, width, out_width, pad, pad};
        const std::vector<float> in = drawn(random, height * width * channels), bias = drawn(random, channels);
        const std::vector<float> weight = drawn(random, kernel * kernel * channels);
        for (int64_t y = 0; y < (height + stride - 1) / stride; ++y) {
          std::vector<double> expected;
          for (int64_t x = 0; x < out_width; ++x)
            for (int64_t c = 0; c < channels; ++c)
              expected.push_back(naive_depthwise(shape, y, x, c, in, weight, bias));
          const int64_t first = std::max<int64_t>(0, y * stride - pad);
          check_rows(expected, [&](float* row, InstructionSet set) {
            depthwise_row(shape, y, in.data() + first * width * channels, first, weight.data(), bias.data(), row, set);
          });
        }
      }
}

TEST_CASE("the stem's rows are those of the definition, with equal bits whatever the instructions") {
  Random random(6, "stem");
  for (const int64_t width : {1, 2, 9, 24, 33})
    for (const int64_t pad : {0, 1}) {
      const StemShape shape{7, width, (width + 1) / 2, pad, pad};
      const std::vector<float> planes = drawn(random, 3 * 7 * width), weight = drawn(random, 27 * 32),
                               bias = drawn(random, 32);
      for (int64_t y = 0; y < 4; ++y) {
        std::vector<double> expected;
        for (int64_t x = 0; x < shape.out_width; ++x)
          for (int64_t c = 0; c < 32; ++c) expected.push_back(naive_stem(shape, y, x, c, planes, weight, bias));
        check_rows(expected, [&](float* row, InstructionSet set) {
          stem_row(shape, y, planes.data(), weight.data(), bias.data(), row, set);
        });
      }
    }
}

}  // namespace boxseg
