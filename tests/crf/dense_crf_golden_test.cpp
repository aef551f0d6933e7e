// Against beliefs that pydensecrf 2723c7f computed (golden/crf.h5); tests/README.md has the tolerances.
#include <algorithm>
#include <cmath>

#include "common/crf/dense_crf.h"
#include "common/io/hdf5.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

int64_t most_probable(const std::vector<float>& q, int64_t labels, int64_t pixels, int64_t pixel) {
  int64_t best = 0;
  for (int64_t k = 1; k < labels; ++k)
    if (q[static_cast<size_t>(k * pixels + pixel)] > q[static_cast<size_t>(best * pixels + pixel)]) best = k;
  return best;
}

}  // namespace

TEST_CASE("beliefs equal those of pydensecrf for every golden configuration", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/crf.h5");
  const std::vector<std::string> names = file.children("Q");
  REQUIRE(names.size() == 16);
  for (const std::string& name : names) {
    INFO(name);
    const std::string q_path = "Q/" + name;
    const auto number = [&](const char* key) { return static_cast<double>(file.attribute<int64_t>(q_path, key)); };
    CrfOptions options;
    options.bilateral_weight = number("bi_w");
    options.bilateral_xy = number("bi_xy_std");
    options.bilateral_rgb = number("bi_rgb_std");
    options.gaussian_weight = number("pos_w");
    options.gaussian_xy = number("pos_xy_std");
    options.iterations = file.attribute<int64_t>(q_path, "iters");
    const Shape shape = file.shape(q_path);
    const int64_t labels = shape[0], pixels = shape[1] * shape[2];
    const auto rgb = file.read<uint8_t>("image/" + file.attribute_text(q_path, "image"));
    const auto probabilities = file.read<float>("prob/" + file.attribute_text(q_path, "prob"));
    const auto expected = file.read<float>(q_path);

    const auto q = DenseCrf(options, 2).infer(rgb, probabilities, labels, shape[1], shape[2]);
    REQUIRE(q.size() == expected.size());
    double largest = 0;
    int64_t beyond = 0, other_label = 0;
    for (size_t i = 0; i < q.size(); ++i) {
      const double difference = std::abs(static_cast<double>(q[i]) - expected[i]);
      largest = std::max(largest, std::isnan(difference) ? INFINITY : difference);
      beyond += difference > 6e-6;
    }
    for (int64_t p = 0; p < pixels; ++p)
      other_label += most_probable(q, labels, pixels, p) != most_probable(expected, labels, pixels, p);
    CHECK(largest <= 4.5e-4);
    CHECK(static_cast<double>(beyond) <= 0.001 * static_cast<double>(q.size()));
    CHECK(other_label == 0);
  }
}
