#include "stage3_segment/cosine_scores.h"

#include <ATen/Parallel.h>

#include <vector>

#include "tests/nn/paths.h"
#include "tests/stage3/random_scores.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using test::largest_difference;
using test::random_tensor;

}  // namespace

EACH_PATH_TEST_CASE("cosine scores are those of LibTorch, with their gradients", "[cpu]") {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const double tolerance = type == at::kFloat ? 2e-6 : 1e-13;
    const at::Tensor features = random_tensor("cosines", {3, 150, 5, 7}, type),
                     weight = random_tensor("weights", {21, 150}, type);
    const at::Tensor slope = random_tensor("slopes", {3, 21, 5, 7}, type);
    const auto run = [&](const auto& scores_of) {
      const at::Tensor f = on(features.clone()).requires_grad_(true), w = on(weight.clone()).requires_grad_(true);
      const at::Tensor s = scores_of(f, w);
      s.backward(on(slope));
      return std::vector<at::Tensor>{s.detach(), f.grad(), w.grad()};
    };
    const auto expected = run([](const at::Tensor& f, const at::Tensor& w) {
      return at::einsum("nchw,kc->nkhw", {f / f.norm(2, {1}, true), w / w.norm(2, {1}, true)});
    });
    const auto found = run(cosine_scores);
    for (size_t i = 0; i < expected.size(); ++i)
      REQUIRE(largest_difference(found[i], expected[i]) < tolerance * expected[i].abs().max().item<double>());
  }
}

TEST_CASE("cosine scores and their gradients have equal bits for any number of threads") {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor features = random_tensor("cosines", {3, 150, 5, 7}, type),
                     weight = random_tensor("weights", {21, 150}, type);
    const auto run = [&](int threads) {
      const int before = at::get_num_threads();
      at::set_num_threads(threads);
      const at::Tensor f = features.clone().requires_grad_(true), w = weight.clone().requires_grad_(true);
      const at::Tensor s = cosine_scores(f, w);
      s.backward(random_tensor("slopes", {3, 21, 5, 7}, type));
      at::set_num_threads(before);
      return std::vector<at::Tensor>{s.detach(), f.grad(), w.grad()};
    };
    const auto alone = run(1), together = run(3);
    for (size_t i = 0; i < alone.size(); ++i) REQUIRE(at::equal(alone[i], together[i]));
  }
}

EACH_PATH_TEST_CASE("a cell without features has score 0 and no gradient", "[cpu]") {
  const at::Tensor features = random_tensor("dead cell", {1, 4, 2, 2}, at::kFloat);
  features.select(2, 1).select(2, 0).zero_();
  const at::Tensor f = on(features.clone()).requires_grad_(true);
  const at::Tensor z = cosine_scores(f, on(random_tensor("dead cell weight", {3, 4}, at::kFloat)));
  REQUIRE(z.select(2, 1).select(2, 0).abs().max().item<double>() == 0);
  z.sum().backward();
  REQUIRE(f.grad().select(2, 1).select(2, 0).abs().max().item<double>() == 0);
  REQUIRE(at::isfinite(f.grad()).all().item<bool>());
}
