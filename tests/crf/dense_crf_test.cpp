#include "common/crf/dense_crf.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "common/base/error.h"
#include "tests/crf/naive_crf.h"
#include "tests/crf/support.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using test::CrfCase;
using test::make_crf_case;

namespace {

// These deviations put no pixel on a face of the lattice.
CrfOptions odd_options() {
  CrfOptions o;
  o.bilateral_xy = 17.3, o.bilateral_rgb = 5.1, o.gaussian_xy = 2.7, o.iterations = 5;
  return o;
}

std::vector<float> infer(const CrfCase& c, const CrfOptions& o, int threads = 1) {
  return DenseCrf(o, threads).infer(c.rgb, c.probabilities, c.labels, c.height, c.width);
}

double largest_difference(const std::vector<float>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) FAIL("value " << i << " is " << a[i]);
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

std::string message_of(const std::function<void()>& action, ErrorKind kind) {
  try {
    action();
  } catch (const Error& e) {
    CHECK(e.kind() == kind);
    return e.what();
  }
  FAIL("nothing was thrown");
  return {};
}

}  // namespace

TEST_CASE("one pixel receives its own belief times both weights") {
  // The normalisation makes the filter the identity there: scores = log p + (3 + 4) q.
  CrfOptions o;
  o.iterations = 3;
  std::array<double, 2> q{0.6, 0.4};
  for (int64_t i = 0; i < o.iterations; ++i) {
    const double odds = 0.6 / 0.4 * std::exp(7 * (q[0] - q[1]));
    q = {odds / (1 + odds), 1 / (1 + odds)};
  }
  const auto result = infer({2, 1, 1, {10, 200, 30}, {0.6f, 0.4f}}, o);
  CHECK(result[0] == Approx(q[0]).margin(1e-6));
  CHECK(result[1] == Approx(q[1]).margin(1e-6));
}

TEST_CASE("without iterations the clipped probabilities are normalised") {
  CrfOptions o;
  o.iterations = 0;
  const auto q = infer({2, 1, 2, {0, 0, 0, 9, 9, 9}, {1, 0.3f, 0, 0.1f}}, o);
  CHECK(q[0] == Approx(1 / 1.00001).margin(1e-7));
  CHECK(q[2] == Approx(1e-5 / 1.00001).margin(1e-9));
  CHECK(q[1] == Approx(0.75).margin(1e-6));
  CHECK(q[3] == Approx(0.25).margin(1e-6));
}

TEST_CASE("mean field equals a naive one in double for many sizes and numbers of labels") {
  const std::vector<std::array<int64_t, 3>> cases{{2, 1, 13}, {2, 13, 1}, {3, 7, 9},  {5, 12, 6},
                                                  {2, 3, 70}, {9, 8, 8},  {17, 5, 9}, {21, 6, 131}};
  for (const auto& [labels, height, width] : cases) {
    INFO(labels << " labels, " << height << " x " << width);
    const CrfCase c = make_crf_case("naive", labels, height, width);
    const auto expected = test::naive_crf(odd_options(), c.rgb, c.probabilities, labels, height, width);
    CHECK(largest_difference(infer(c, odd_options()), expected) <
          5e-5);  // float32 is compared with double; a wrong neighbour makes 1e-2
  }
}

TEST_CASE("each kernel alone equals the naive one") {
  const CrfCase c = make_crf_case("alone", 3, 9, 11);
  CrfOptions o = odd_options();
  o.bilateral_weight = 0;
  CHECK(largest_difference(infer(c, o), test::naive_crf(o, c.rgb, c.probabilities, 3, 9, 11)) < 1e-5);
  o.bilateral_weight = 4;
  o.gaussian_weight = 0;
  CHECK(largest_difference(infer(c, o), test::naive_crf(o, c.rgb, c.probabilities, 3, 9, 11)) < 1e-5);
}

TEST_CASE("the vertices around the origin exist when the number of pixels is not a multiple of 4") {
  // The image has dark pixels beside the origin of the feature space, so messages pass through vertices that no pixel
  // has.
  CrfOptions o = odd_options();
  o.bilateral_rgb = 3.1;
  double most = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    CrfCase c = make_crf_case("origin", 2, 1, 13);
    Random random(3, "o", seed, 1312);
    for (uint8_t& value : c.rgb) value = static_cast<uint8_t>(1 + random.below(12));
    const auto q = infer(c, o);
    CHECK(largest_difference(q, test::naive_crf(o, c.rgb, c.probabilities, 2, 1, 13)) < 1e-5);
    most = std::max(most, largest_difference(q, test::naive_crf(o, c.rgb, c.probabilities, 2, 1, 13, false)));
  }
  CHECK(most > 1e-3);  // so the check above can fail
}

TEST_CASE("one label is certain") {
  const CrfCase c = make_crf_case("one label", 1, 4, 5);
  for (const float q : infer(c, CrfOptions{})) CHECK(q == 1.0f);
}

TEST_CASE("beliefs sum to 1") {
  for (const int64_t labels : {2, 3, 21}) {
    const CrfCase c = make_crf_case("sum", labels, 20, 30);
    const auto q = infer(c, CrfOptions{});
    for (size_t p = 0; p < 600; ++p) {
      double sum = 0;
      for (int64_t k = 0; k < labels; ++k) sum += q[static_cast<size_t>(k) * 600 + p];
      CHECK(sum == Approx(1).margin(1e-6));
    }
  }
}

TEST_CASE("any number of threads gives the same bits") {
  for (const int64_t labels : {2, 3, 5, 21}) {
    const CrfCase c = make_crf_case("threads", labels, 150, 203);
    const auto expected = infer(c, CrfOptions{}, 1);
    for (const int threads : {2, 3, 7}) {
      INFO(labels << " labels, " << threads << " threads");
      CHECK(infer(c, CrfOptions{}, threads) == expected);
    }
  }
}

TEST_CASE("an object that is used again gives what a new one gives") {
  DenseCrf crf(CrfOptions{}, 2);
  for (const auto& [labels, height, width] : std::vector<std::array<int64_t, 3>>{
           {3, 40, 50}, {21, 10, 130}, {3, 40, 50}, {2, 50, 40}, {1, 1, 1}, {2, 100, 90}, {3, 40, 50}}) {
    INFO(labels << " labels, " << height << " x " << width);
    const CrfCase c = make_crf_case("again", labels, height, width);
    CHECK(crf.infer(c.rgb, c.probabilities, labels, height, width) == infer(c, CrfOptions{}));
    CrfCase bad = c;
    bad.probabilities.back() = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_AS(crf.infer(bad.rgb, bad.probabilities, labels, height, width), Error);
  }
}

TEST_CASE("flat, black and white images give finite beliefs") {
  for (const uint8_t value : {0, 255}) {
    CrfCase c = make_crf_case("flat", 2, 33, 35);
    std::fill(c.rgb.begin(), c.rgb.end(), value);
    const auto expected = test::naive_crf(odd_options(), c.rgb, c.probabilities, 2, 33, 35);
    CHECK(largest_difference(infer(c, odd_options()), expected) < 1e-4);
  }
}

TEST_CASE("NaN and infinite probabilities are refused wherever they stand") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
    for (const size_t at : {0, 149, 299}) {
      CrfCase c = make_crf_case("bad", 2, 10, 15);
      c.probabilities[at] = bad;
      for (const int64_t iterations : {0, 2}) {
        CrfOptions o;
        o.iterations = iterations;
        const std::string message = message_of([&] { infer(c, o); }, ErrorKind::bad_input);
        CHECK_THAT(message, Contains("NaN"));
      }
    }
}

TEST_CASE("sizes that do not fit are refused with the numbers") {
  const CrfCase c = make_crf_case("sizes", 2, 10, 15);
  DenseCrf crf(CrfOptions{}, 1);
  const auto with = [&](int64_t labels, int64_t height, int64_t width) {
    return message_of([&] { crf.infer(c.rgb, c.probabilities, labels, height, width); }, ErrorKind::bad_input);
  };
  CHECK_THAT(with(2, 10, 16), Contains("450 bytes") && Contains("480"));
  CHECK_THAT(with(3, 10, 15), Contains("300 probabilities") && Contains("3 labels"));
  CHECK_THAT(with(0, 10, 15), Contains("0 labels"));
  CHECK_THAT(with(2, -10, -15), Contains("height -10"));
  CHECK_THAT(with(int64_t{1} << 62, 10, 15), Contains("labels"));
  CHECK_THAT(with(2, int64_t{1} << 40, int64_t{1} << 40), Contains("height"));
  CHECK_NOTHROW(crf.infer(c.rgb, c.probabilities, 2, 10, 15));
}

TEST_CASE("options out of range are refused by name and value") {
  const auto with = [](auto change) {
    CrfOptions o;
    change(o);
    return message_of([&] { DenseCrf(o, 1); }, ErrorKind::usage);
  };
  CHECK_THAT(with([](CrfOptions& o) { o.bilateral_weight = -1; }), Contains("--bilateral: the weight is -1"));
  CHECK_THAT(with([](CrfOptions& o) { o.bilateral_xy = 0; }), Contains("--bilateral") && Contains("is 0,"));
  CHECK_THAT(with([](CrfOptions& o) { o.bilateral_rgb = NAN; }), Contains("grey levels is nan"));
  CHECK_THAT(with([](CrfOptions& o) { o.gaussian_weight = INFINITY; }), Contains("--gaussian: the weight is inf"));
  CHECK_THAT(with([](CrfOptions& o) { o.gaussian_xy = -3; }), Contains("--gaussian") && Contains("-3"));
  CHECK_THAT(with([](CrfOptions& o) { o.iterations = -1; }), Contains("--iterations -1"));
}

TEST_CASE("an image beyond the memory limit is refused with the estimate") {
  const CrfCase photo = make_crf_case("memory", 2, 120, 160);
  const CrfCase noise = make_crf_case("memory", 2, 120, 160, 1, 250);
  CrfOptions o;
  o.iterations = 1;
  o.bilateral_rgb = 0.5;  // noise then shares no vertex between pixels
  o.memory_limit_bytes = crf_memory_bytes(2, 120, 160);
  CHECK_NOTHROW(infer(noise, o));
  o.memory_limit_bytes = crf_memory_bytes(2, 120, 160) * 6 / 10;
  CHECK_THAT(message_of([&] { infer(noise, o); }, ErrorKind::bad_input), Contains("19200 pixels needs"));
  o.bilateral_rgb = 8;
  CHECK_NOTHROW(infer(photo, o));
  o.memory_limit_bytes = 1000;
  CHECK_THAT(message_of([&] { infer(photo, o); }, ErrorKind::bad_input), Contains("limit of 0.0 GB"));
}

TEST_CASE("kernels too narrow for the lattice are refused") {
  CrfOptions o;
  o.bilateral_xy = o.bilateral_rgb = 0.001;
  const CrfCase c = make_crf_case("narrow", 2, 90, 160);
  CHECK_THAT(message_of([&] { infer(c, o); }, ErrorKind::bad_input), Contains("larger standard deviations"));
}
