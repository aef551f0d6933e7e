// The authors' losses and gradients (golden/losses.h5); tolerances are those of tests/README.md.
#include <cmath>
#include <vector>

#include "common/io/hdf5.h"
#include "stage3_segment/axis.h"
#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/loss_kernel.h"
#include "stage3_segment/losses.h"
#include "tests/nn/paths.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using Kind = LossOptions::Kind;

struct Case {
  const test::Path& on;
  const H5Reader& file;
  std::string name;

  at::Tensor floats(const std::string& what, at::ScalarType type = at::kFloat) const {
    const auto values = file.read<float>(name + "/" + what);
    return at::from_blob(const_cast<float*>(values.data()), file.shape(name + "/" + what), at::kFloat)
        .clone()
        .to(on.device, type);
  }
  at::Tensor bytes(const std::string& what) const {
    const auto values = file.read<uint8_t>(name + "/" + what);
    return at::from_blob(const_cast<uint8_t*>(values.data()), file.shape(name + "/" + what), at::kByte)
        .clone()
        .to(on.device);
  }
  double number(const std::string& what) const { return file.read<double>(name + "/" + what).at(0); }
  bool has(const std::string& what) const { return file.has(name + "/" + what); }
  LossLabels labels() const { return {bytes("in/mask_crf"), bytes("in/mask_ret")}; }
};

struct Outcome {
  at::Tensor scores, features_gradient, weight_gradient;
  LossSums sums;
  double loss;
};

Outcome run(const Case& of, const LossLabels& labels, const LossOptions& options, at::ScalarType type = at::kFloat) {
  const at::Tensor features = of.floats("in/features", type).requires_grad_(true);
  const at::Tensor weight = of.floats("in/weight", type).requires_grad_(true);
  Outcome out;
  const at::Tensor scores = cosine_scores(features, weight);
  const at::Tensor loss = segmentation_loss(scores, labels, options, &out.sums);
  loss.backward();
  out.scores = scores.detach();
  out.loss = loss.item<double>();
  out.features_gradient = features.grad();
  out.weight_gradient = weight.grad();
  if (of.name == "rect") {  // the dead cell, where F.normalize's 1e-12 makes the authors' gradient meaningless
    const auto cell = of.file.attribute_list<int64_t>("rect", "dead_cell_nyx");
    out.features_gradient[cell[0]].select(1, cell[1]).select(1, cell[2]).zero_();
  }
  return out;
}

double error(const Case& of, const at::Tensor& got, const std::string& what) {
  const at::Tensor expected = of.floats(what);
  if (of.name == "rect" && what.ends_with("grad_features")) {
    const auto cell = of.file.attribute_list<int64_t>("rect", "dead_cell_nyx");
    expected[cell[0]].select(1, cell[1]).select(1, cell[2]).zero_();
  }
  REQUIRE(got.sizes() == expected.sizes());
  return (got.to(expected.device(), at::kFloat) - expected).abs().max().item<double>();
}

const std::vector<std::string> kCases = {"mixed_void", "mixed_no_void", "no_unreliable", "no_reliable", "rect"};

}  // namespace

TEST_CASE("cosine scores, interpolated scores and confidences are the authors'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/losses.h5");
  const test::Path here{at::kCPU};
  for (const auto& name : kCases) {
    INFO(name);
    const Case of{here, file, name};
    const at::Tensor z = cosine_scores(of.floats("in/features"), of.floats("in/weight"));
    REQUIRE(error(of, z, "nal/cosine_small") < 2e-6);
    REQUIRE(error(of, confidence_map(z, of.labels(), {}), "nal/sigma") < 4e-6);

    const at::Tensor expected = of.floats("nal/logit_every_4th_pixel"), label = of.bytes("in/mask_crf");
    const at::Tensor last = z.permute({0, 2, 3, 1}).contiguous();
    const Axis<float> rows(z.size(2), label.size(1)), columns(z.size(3), label.size(2));
    LossProblem<float> p;
    p.classes = z.size(1), p.cell_rows = z.size(2), p.cell_columns = z.size(3);
    p.scores = last.const_data_ptr<float>();
    p.rows = rows.view();
    p.columns = columns.view();
    const at::Tensor got = at::empty_like(expected);
    float* next = got.mutable_data_ptr<float>();
    for (int64_t n = 0; n < got.size(0); ++n)
      for (int64_t c = 0; c < got.size(1); ++c)
        for (int64_t y = 0; y < got.size(2); ++y)
          for (int64_t x = 0; x < got.size(3); ++x) *next++ = scores_at(p, n, 4 * y, 4 * x)[c];
    REQUIRE(error(of, got, "nal/logit_every_4th_pixel") < 2e-6);
  }
}

EACH_PATH_TEST_CASE("the noise-aware loss and its gradients are the authors'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/losses.h5");
  for (const auto& name : kCases) {
    INFO(name);
    const Case of{on, file, name};
    const LossOptions options;
    const Outcome got = run(of, of.labels(), options), exact = run(of, of.labels(), options, at::kDouble);
    REQUIRE(got.sums.reliable == file.attribute<int64_t>(name, "reliable"));
    REQUIRE(got.sums.unreliable == file.attribute<int64_t>(name, "unreliable"));
    const double ce = of.number("nal/ce_f64"), wce = of.number("nal/wce_f64");
    // Where the authors' term is NaN for want of pixels, ours is 0.
    REQUIRE(std::isnan(ce) == (name == "no_reliable"));
    REQUIRE(std::isnan(wce) == (name == "no_unreliable"));
    const double expected_ce = std::isnan(ce) ? 0 : ce, expected_wce = std::isnan(wce) ? 0 : wce;
    REQUIRE(got.sums.cross_entropy() == Approx(expected_ce).epsilon(1e-6));
    REQUIRE(got.sums.second() == Approx(expected_wce).epsilon(1e-6));
    REQUIRE(got.loss == Approx(expected_ce + 0.1 * expected_wce).epsilon(1e-6));
    REQUIRE(exact.loss == Approx(expected_ce + 0.1 * expected_wce).epsilon(1e-12));
    // Without unreliable pixels the authors' gradients are NaN; the plain loss has those that remain.
    const std::string gradients = name == "no_unreliable" ? "other/baseline/" : "nal/";
    REQUIRE(error(of, got.weight_gradient, gradients + "grad_weight") < 1e-5);
    REQUIRE(at::isfinite(got.features_gradient).all().item<bool>());
    if (gradients == "nal/") REQUIRE(error(of, got.features_gradient, "nal/grad_features") < 8e-8);
  }
}

EACH_PATH_TEST_CASE("the other losses and their gradients are those of their formulae", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/losses.h5");
  struct Other {
    std::string name;
    Kind kind;
    double beta = 1;
  };
  const std::vector<Other> others = {{"ce_crf", Kind::plain},
                                     {"ce_ret", Kind::plain},
                                     {"baseline", Kind::plain},
                                     {"entropy", Kind::entropy},
                                     {"bootstrap_beta1", Kind::bootstrap, 1},
                                     {"bootstrap_beta0.8", Kind::bootstrap, 0.8}};
  for (const auto& name : kCases) {
    for (const auto& other : others) {
      INFO(name << " " << other.name);
      const Case of{on, file, name};
      LossOptions options;
      options.kind = other.kind;
      options.beta = other.beta;
      LossLabels labels = of.labels();
      if (other.name == "ce_crf") labels.other = at::Tensor();
      if (other.name == "ce_ret") labels = LossLabels{labels.other, at::Tensor()};
      const Outcome got = run(of, labels, options);
      const std::string at = "other/" + other.name + "/";
      REQUIRE(got.loss == Approx(of.number(at + "loss_f64")).epsilon(1e-6).margin(1e-12));
      REQUIRE(error(of, got.weight_gradient, at + "grad_weight") < 1.2e-5);
      if (of.has(at + "grad_features")) REQUIRE(error(of, got.features_gradient, at + "grad_features") < 1.2e-5);
    }
  }
}

EACH_PATH_TEST_CASE("the noise-aware loss of a full crop is the authors'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/losses.h5");
  const Case of{on, file, "seed_nal_41_321"};
  const Outcome got = run(of, of.labels(), {});
  REQUIRE(got.sums.cross_entropy() == Approx(of.number("authors_ce")).epsilon(1e-6));
  REQUIRE(got.sums.second() == Approx(of.number("authors_wce")).epsilon(1e-6));
  REQUIRE(got.loss == Approx(of.number("authors_total")).epsilon(1e-6));
  REQUIRE(error(of, got.weight_gradient, "authors_grad_weight") < 1e-5);
}
