// The report's own code differs from the authors' and from its equations; each deviation is tested both ways.
#include <cmath>
#include <vector>

#include "common/io/hdf5.h"
#include "stage3_segment/axis.h"
#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/losses.h"
#include "tests/nn/paths.h"
#include "tests/stage3/random_scores.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using Kind = LossOptions::Kind;
using Form = LossOptions::Form;

struct Case {
  at::Tensor scores;
  LossLabels labels;
};

Case read_case(const test::Path& on, const H5Reader& file, const std::string& name) {
  const auto tensor = [&](const std::string& what, auto zero, at::ScalarType type) {
    const auto values = file.read<decltype(zero)>(name + "/in/" + what);
    return at::from_blob(const_cast<decltype(zero)*>(values.data()), file.shape(name + "/in/" + what), type)
        .clone()
        .to(on.device);
  };
  return {cosine_scores(tensor("features", 0.0f, at::kFloat), tensor("weight", 0.0f, at::kFloat)),
          {tensor("mask_crf", uint8_t{0}, at::kByte), tensor("mask_ret", uint8_t{0}, at::kByte)}};
}

LossOptions report_options(Kind kind, double beta = 1) {
  LossOptions options;
  options.kind = kind;
  options.form = Form::report_code;
  options.beta = beta;
  options.align_corners = false;
  return options;
}

double report_code(const Case& of, const LossOptions& options) {
  return report_code_loss(of.scores, of.scores, of.labels, options, nullptr).item<double>();
}

}  // namespace

EACH_PATH_TEST_CASE("the losses of the report's code are what it computes, and the equations are not", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/losses.h5");
  struct Written {
    std::string name;
    Kind kind;
    double beta = 1;
  };
  const std::vector<Written> all = {{"baseline_softmax_added", Kind::plain},
                                    {"entropy", Kind::entropy},
                                    {"bootstrap_beta1", Kind::bootstrap, 1},
                                    {"bootstrap_beta0.8", Kind::bootstrap, 0.8}};
  int64_t compared = 0;
  for (const std::string name : {"mixed_void", "mixed_no_void", "no_unreliable", "no_reliable", "rect"}) {
    const Case of = read_case(on, file, name);
    for (const auto& written : all) {
      const std::string where = name + "/seed_as_written/" + written.name;
      if (!file.has(where)) continue;  // raises there: void pixels with bootstrapping
      INFO(where);
      const double expected = file.read<double>(where).at(0);
      if (std::isnan(expected)) continue;  // no reliable pixel: 0/0 there, 0 here
      LossOptions options = report_options(written.kind, written.beta);
      REQUIRE(report_code(of, options) == Approx(expected).epsilon(1e-5));
      ++compared;
      if (written.kind == Kind::plain) continue;
      options.form = Form::equation;
      const double equation = segmentation_loss(of.scores, of.labels, options).item<double>();
      if (name != "no_unreliable") REQUIRE_FALSE(equation == Approx(expected).epsilon(1e-5));
    }
  }
  REQUIRE(compared >= 10);
}

EACH_PATH_TEST_CASE("the noise-aware loss of the report's code is what it computes, and Eq. (12) is the authors'",
                    "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/losses.h5");
  const Case of = read_case(on, file, "seed_nal_41_321");
  const double expected = file.read<double>("seed_nal_41_321/seed_nal_total_as_written").at(0);
  REQUIRE(report_code(of, report_options(Kind::nal)) == Approx(expected).epsilon(1e-5));
  REQUIRE_FALSE(segmentation_loss(of.scores, of.labels, {}).item<double>() == Approx(expected).epsilon(1e-2));
}

EACH_PATH_TEST_CASE("without aligned corners the fused loss and its gradient are those of LibTorch's interpolation",
                    "[cpu]") {
  for (const auto kind : {Kind::plain, Kind::nal, Kind::entropy, Kind::bootstrap}) {
    LossOptions options;
    options.kind = kind;
    options.temperature = 6;
    options.beta = 0.8;
    const LossLabels drawn = test::random_labels("not aligned", 2, 19, 23, 5), labels{on(drawn.label), on(drawn.other)};
    const auto of = [&](bool align_corners, at::Tensor& gradient) {
      const at::Tensor scores = test::random_tensor("not aligned", {2, 5, 6, 7}).requires_grad_(true);
      options.align_corners = align_corners;
      const at::Tensor loss = segmentation_loss(on(scores), labels, options);
      loss.backward();
      gradient = scores.grad();
      return loss.item<double>();
    };
    // The reference is LibTorch's map of the same size as the labels, on which no interpolation is left.
    const auto by_libtorch = [&](bool align_corners, at::Tensor& gradient) {
      const at::Tensor scores = test::random_tensor("not aligned", {2, 5, 6, 7}).requires_grad_(true);
      const at::Tensor whole = at::upsample_bilinear2d(scores, {19, 23}, align_corners);
      LossOptions plain = options;
      plain.align_corners = true;
      const at::Tensor loss = segmentation_loss(on(whole), labels, plain);
      loss.backward();
      gradient = scores.grad();
      return loss.item<double>();
    };
    at::Tensor ours, theirs, aligned;
    const double value = of(false, ours);
    REQUIRE(value == Approx(by_libtorch(false, theirs)).epsilon(1e-12));
    REQUIRE((ours - theirs).abs().max().item<double>() < 1e-12);
    REQUIRE_FALSE(value == Approx(of(true, aligned)).epsilon(1e-6));
    REQUIRE(value != 0);
  }
}

TEST_CASE("axes without aligned corners interpolate as LibTorch does, enlarging and shrinking") {
  for (const auto& [cells, positions] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 5}, {5, 1}, {41, 321}, {7, 7}, {9, 4}, {2, 500}}) {
    const at::Tensor line = test::random_tensor("axis", {1, 1, 1, cells}, at::kFloat);
    const at::Tensor expected = at::upsample_bilinear2d(line, {1, positions}, false);
    const Axis<float> axis(cells, positions, false);
    for (int64_t p = 0; p < positions; ++p) {
      const auto i = static_cast<size_t>(p);
      const int64_t next = std::min<int64_t>(axis.index[i] + 1, cells - 1);
      const float value = (1 - axis.weight[i]) * line[0][0][0][axis.index[i]].item<float>() +
                          axis.weight[i] * line[0][0][0][next].item<float>();
      INFO(cells << " " << positions << " " << p);
      REQUIRE(value == Approx(expected[0][0][0][p].item<float>()).margin(1e-6));
    }
  }
}

TEST_CASE("with a detached classifier the confidence moves the features alone") {
  // The reference is in double, by LibTorch's own operations: sigma from features and the classifier's values, without
  // its gradient.
  const at::Tensor given_features = test::random_tensor("detached features", {2, 6, 4, 5});
  const at::Tensor given_weight = test::random_tensor("detached weight", {4, 6});
  const LossLabels labels = test::random_labels("detached", 2, 4, 5, 4, 0.5);
  const auto gradients = [&](bool is_detached) {
    const at::Tensor f = given_features.clone().requires_grad_(true), w = given_weight.clone().requires_grad_(true);
    const at::Tensor z = cosine_scores(f, w), zs = is_detached ? cosine_scores(f, w.detach()) : z;
    const at::Tensor label = labels.label.to(at::kLong), known = labels.label.ne(255),
                     index = label.masked_fill(known.logical_not(), 0).unsqueeze(1);
    const at::Tensor same = labels.label.eq(labels.other).logical_and(known).to(at::kDouble),
                     other = known.to(at::kDouble) - same;
    const at::Tensor cross = -at::log_softmax(20 * z, 1).gather(1, index).squeeze(1);
    const at::Tensor sigma = ((1 + zs).gather(1, index).squeeze(1) / (1 + zs).amax(1)).pow(7);
    ((cross * same).sum() / same.sum() + 0.1 * (cross * sigma * other).sum() / (sigma * other).sum()).backward();
    return std::pair(f.grad(), w.grad());
  };
  const auto [whole_features, whole_weight] = gradients(false);
  const auto [features, weight] = gradients(true);
  REQUIRE((whole_features - features).abs().max().item<double>() < 1e-12);
  REQUIRE((whole_weight - weight).abs().max().item<double>() > 1e-6);

  // train_step() does this with two sets of scores.
  const at::Tensor f = given_features.clone().requires_grad_(true), w = given_weight.clone().requires_grad_(true);
  LossOptions options;
  options.is_classifier_detached = true;
  const at::Tensor z = cosine_scores(f, w), zs = cosine_scores(f, w.detach());
  segmentation_loss_backward(z, zs, labels, options, loss_sums(z, labels, options));
  REQUIRE((f.grad() - features).abs().max().item<double>() < 1e-10);
  REQUIRE((w.grad() - weight).abs().max().item<double>() < 1e-10);
}

TEST_CASE("the report's beta shrinks by the factor of every step so far") {
  REQUIRE(report_code_beta(1, 1, 100) == 1);
  REQUIRE(report_code_beta(1, 3, 100) == Approx(std::pow(0.99, 0.9) * std::pow(0.98, 0.9)));
}
