#include "stage3_segment/losses.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <functional>
#include <vector>

#include "common/base/error.h"
#include "stage3_segment/axis.h"
#include "stage3_segment/cosine_scores.h"
#include "stage3_segment/loss_kernel.h"
#include "tests/nn/paths.h"
#include "tests/stage3/random_scores.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using Kind = LossOptions::Kind;

using test::largest_difference;
using test::random_labels;
using test::random_tensor;

// Follows the definition, pixel by pixel in double, from a whole interpolated map.
double naive_loss(const at::Tensor& scores, const LossLabels& labels, const LossOptions& o) {
  const int64_t height = labels.label.size(1), width = labels.label.size(2), classes = scores.size(1);
  const at::Tensor z = at::upsample_bilinear2d(scores.to(at::kDouble), {height, width}, true).contiguous();
  double ce = 0, second = 0, confidence = 0;
  int64_t reliable = 0;
  for (int64_t n = 0; n < scores.size(0); ++n) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const int label = labels.label[n][y][x].item<int>();
        const int other = labels.other.defined() ? labels.other[n][y][x].item<int>() : label;
        if (label == 255) continue;
        double sum = 0, largest = -2, entropy = 0;
        const auto at = [&](int64_t c) {
          return z.const_data_ptr<double>()[((n * classes + c) * height + y) * width + x];
        };
        for (int64_t c = 0; c < classes; ++c) sum += std::exp(o.temperature * at(c));
        for (int64_t c = 0; c < classes; ++c) {
          const double log_p = o.temperature * at(c) - std::log(sum);
          entropy -= std::exp(log_p) * log_p;
          largest = std::max(largest, 1 + at(c));
        }
        const double cross = std::log(sum) - o.temperature * at(label);
        if (label == other) {
          ce += cross;
          ++reliable;
        } else if (o.kind == Kind::nal) {
          const double sigma = std::pow((1 + at(label)) / largest, o.gamma);
          second += sigma * cross;
          confidence += sigma;
        } else {
          const double beta = o.kind == Kind::entropy ? 0 : o.beta;
          second += beta * cross + (1 - beta) * entropy;
          confidence += 1;
        }
      }
    }
  }
  double total = reliable > 0 ? ce / static_cast<double>(reliable) : 0;
  if (o.kind != Kind::plain && confidence > 0) total += o.lambda * second / confidence;
  return total;
}

LossOptions options_of(Kind kind) {
  LossOptions o;
  o.kind = kind;
  o.temperature = 6;
  o.lambda = 0.7;
  o.beta = 0.8;
  return o;
}

const std::vector<Kind> kKinds = {Kind::plain, Kind::nal, Kind::entropy, Kind::bootstrap};

// Returns central differences of f at x, element by element.
at::Tensor differences(const at::Tensor& x, const std::function<double(const at::Tensor&)>& f) {
  const double step = 1e-5;
  const at::Tensor gradient = at::empty_like(x), at_x = x.clone();
  double* p = at_x.mutable_data_ptr<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double value = p[i];
    p[i] = value + step;
    const double above = f(at_x);
    p[i] = value - step;
    const double below = f(at_x);
    p[i] = value;
    gradient.mutable_data_ptr<double>()[i] = (above - below) / (2 * step);
  }
  return gradient;
}

LossLabels moved(const test::Path& on, const LossLabels& labels) { return {on(labels.label), on(labels.other)}; }

}  // namespace

EACH_PATH_TEST_CASE("the loss of one pixel is that computed by hand", "[cpu]") {
  // There is one cell, one pixel and three classes: s = (1, 0.5, 0), T = 1, label 1, and the other map says 0:
  // unreliable.
  const at::Tensor scores = on(at::tensor({1.0, 0.5, 0.0}, at::kDouble).view({1, 3, 1, 1}));
  const LossLabels labels = moved(on, {at::full({1, 1, 1}, 1, at::kByte), at::full({1, 1, 1}, 0, at::kByte)});
  LossOptions o;
  o.temperature = 1;
  const double cross = std::log(std::exp(1.0) + std::exp(0.5) + 1) - 0.5;
  LossSums sums = loss_sums(scores, labels, o);
  REQUIRE(sums.unreliable == 1);
  REQUIRE(sums.reliable == 0);
  REQUIRE(sums.confidence == Approx(std::pow(1.5 / 2, 7)).epsilon(1e-14));
  REQUIRE(sums.second() == Approx(cross).epsilon(1e-14));
  REQUIRE(sums.total(o) == Approx(0.1 * cross).epsilon(1e-14));
  sums = loss_sums(scores, {labels.label, {}}, o);
  REQUIRE(sums.cross_entropy() == Approx(cross).epsilon(1e-14));
  REQUIRE(sums.total(o) == Approx(cross).epsilon(1e-14));
}

EACH_PATH_TEST_CASE("every loss equals its definition on an interpolated map in double", "[cpu]") {
  for (const Kind kind : kKinds) {
    const LossOptions o = options_of(kind);
    const at::Tensor scores = random_tensor("values", {2, 4, 3, 5});
    const LossLabels labels = random_labels("values", 2, 13, 18, 4);
    const double expected = naive_loss(scores, labels, o);
    const LossLabels there = moved(on, labels);
    REQUIRE(segmentation_loss(on(scores), there, o).item<double>() == Approx(expected).epsilon(1e-12));
    REQUIRE(segmentation_loss(on(scores.to(at::kFloat)), there, o).item<double>() == Approx(expected).epsilon(2e-6));
  }
}

EACH_PATH_TEST_CASE("the gradient by the scores is that of finite differences for every loss", "[cpu]") {
  for (const Kind kind : kKinds) {
    const LossOptions o = options_of(kind);
    const at::Tensor scores = random_tensor("gradients", {2, 4, 3, 4}).requires_grad_(true);
    const LossLabels labels = moved(on, random_labels("gradients", 2, 11, 9, 4));
    segmentation_loss(on(scores), labels, o).backward();
    const at::Tensor expected =
        differences(scores.detach(), [&](const at::Tensor& s) { return loss_sums(on(s), labels, o).total(o); });
    REQUIRE(expected.abs().max().item<double>() > 1e-3);
    REQUIRE(largest_difference(scores.grad(), expected) < 1e-8);
  }
}

EACH_PATH_TEST_CASE("features and classifier weights receive the gradient of finite differences", "[cpu]") {
  const LossOptions o = options_of(Kind::nal);
  const at::Tensor features = random_tensor("features", {1, 5, 3, 3}).requires_grad_(true);
  const at::Tensor weight = random_tensor("weight", {3, 5}).requires_grad_(true);
  const LossLabels labels = moved(on, random_labels("features", 1, 7, 8, 3));
  const auto loss = [&](const at::Tensor& f, const at::Tensor& w) {
    return loss_sums(cosine_scores(on(f), on(w)), labels, o).total(o);
  };
  segmentation_loss(cosine_scores(on(features), on(weight)), labels, o).backward();
  const at::NoGradGuard guard;
  const at::Tensor f = features.detach(), w = weight.detach();
  REQUIRE(largest_difference(features.grad(), differences(f, [&](const at::Tensor& x) { return loss(x, w); })) < 1e-8);
  REQUIRE(largest_difference(weight.grad(), differences(w, [&](const at::Tensor& x) { return loss(f, x); })) < 1e-8);
}

TEST_CASE("a detached confidence weighs the loss but has no gradient of its own") {
  LossOptions o = options_of(Kind::nal);
  const at::Tensor scores = random_tensor("detached", {1, 3, 3, 3}).requires_grad_(true);
  const LossLabels labels = random_labels("detached", 1, 8, 8, 3, 0.3);
  const at::Tensor sigma = confidence_map(scores.detach(), labels, o);
  o.is_detached = true;
  segmentation_loss(scores, labels, o).backward();
  // This is the same sum with sigma held fixed at its value.
  const auto fixed = [&](const at::Tensor& s) {
    const at::Tensor z = at::upsample_bilinear2d(s, {8, 8}, true) * o.temperature;
    const at::Tensor label = labels.label.to(at::kLong);
    const at::Tensor cross = -at::log_softmax(z, 1).gather(1, label.clamp_max(2).unsqueeze(1)).squeeze(1);
    const at::Tensor reliable = (labels.label == labels.other).logical_and(labels.label != 255).to(at::kDouble);
    return ((cross * reliable).sum() / reliable.sum() + o.lambda * (cross * sigma).sum() / sigma.sum()).item<double>();
  };
  REQUIRE(largest_difference(scores.grad(), differences(scores.detach(), fixed)) < 1e-8);
}

TEST_CASE("the gathered gradient of a GPU thread equals the spread one of the CPU") {
  const int64_t images = 2, classes = 4, rows = 5, columns = 3, height = 23, width = 17;
  const at::Tensor scores = random_tensor("gather", {images, classes, rows, columns});
  const LossLabels labels = random_labels("gather", images, height, width, classes);
  for (const Kind kind : kKinds) {
    const LossOptions o = options_of(kind);
    const LossSums sums = loss_sums(scores, labels, o);
    const at::Tensor last = scores.permute({0, 2, 3, 1}).contiguous();
    const Axis<double> row_axis(rows, height), column_axis(columns, width);
    LossProblem<double> p;
    p.images = images, p.classes = classes, p.cell_rows = rows, p.cell_columns = columns;
    p.height = height, p.width = width;
    p.scores = last.const_data_ptr<double>();
    p.label = labels.label.const_data_ptr<uint8_t>();
    p.other = labels.other.const_data_ptr<uint8_t>();
    p.rows = row_axis.view();
    p.columns = column_axis.view();
    p.temperature = o.temperature;
    p.gamma = o.gamma;
    p.beta = second_term(o).cross_entropy_share;
    p.is_weighted = second_term(o).is_weighted;
    const LossScales<double> scales{1.0 / static_cast<double>(sums.reliable),
                                    kind == Kind::plain ? 0 : o.lambda / sums.confidence, sums.second()};
    std::vector<PixelSlope<double>> slopes(static_cast<size_t>(images * height * width));
    for (int64_t i = 0; i < images * height * width; ++i) {
      const PixelKind pixel = kind_of_pixel(p, i);
      if (pixel == PixelKind::ignored) continue;
      const auto s = scores_at(p, i / width / height, i / width % height, i % width);
      const double log_sum = measure_pixel(p, pixel, p.label[i], s).log_sum;
      slopes[static_cast<size_t>(i)] = slope_of_pixel(p, pixel, p.label[i], log_sum, scales, s);
    }
    const at::Tensor spread = loss_gradient(scores, labels, o, sums);
    for (int64_t n = 0; n < images; ++n)
      for (int64_t y = 0; y < rows; ++y)
        for (int64_t x = 0; x < columns; ++x)
          for (int64_t c = 0; c < classes; ++c)
            REQUIRE(gather_cell(p, slopes.data(), n, y, x, c) ==
                    Approx(spread[n][c][y][x].item<double>()).margin(1e-14));
  }
}

EACH_PATH_TEST_CASE("float32 losses and gradients follow float64 for any number of classes", "[cpu]") {
  for (const int64_t classes : {2, 7, 8, 9, 21, 81}) {
    for (const Kind kind : kKinds) {
      LossOptions o = options_of(kind);
      o.temperature = 20;
      const at::Tensor scores = on(random_tensor("classes", {1, classes, 4, 3}));
      const LossLabels labels = moved(on, random_labels("classes", 1, 19, 14, classes));
      const LossSums exact = loss_sums(scores, labels, o), sums = loss_sums(scores.to(at::kFloat), labels, o);
      INFO(classes << " classes");
      REQUIRE(sums.total(o) == Approx(exact.total(o)).epsilon(1e-6));
      const at::Tensor expected = loss_gradient(scores, labels, o, exact);
      const double largest = expected.abs().max().item<double>();
      REQUIRE(largest_difference(loss_gradient(scores.to(at::kFloat), labels, o, sums).to(at::kDouble), expected) <
              5e-6 * largest);
    }
  }
}

TEST_CASE("loss and gradient have equal bits for any number of threads") {
  const LossOptions o = options_of(Kind::nal);
  const at::Tensor scores = random_tensor("threads", {3, 9, 6, 7}, at::kFloat);
  const LossLabels labels = random_labels("threads", 3, 61, 50, 9);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const LossSums one = loss_sums(scores, labels, o);
  const at::Tensor gradient = loss_gradient(scores, labels, o, one);
  for (const int threads : {2, 5}) {
    at::set_num_threads(threads);
    const LossSums many = loss_sums(scores, labels, o);
    REQUIRE(many.reliable_loss == one.reliable_loss);
    REQUIRE(many.unreliable_loss == one.unreliable_loss);
    REQUIRE(many.confidence == one.confidence);
    REQUIRE(at::equal(loss_gradient(scores, labels, o, many), gradient));
  }
  at::set_num_threads(before);
}

EACH_PATH_TEST_CASE("parts of a batch with the batch's sums have the gradient of the whole", "[cpu]") {
  const LossOptions o = options_of(Kind::nal);
  const at::Tensor scores = on(random_tensor("parts", {3, 4, 4, 4}));
  const LossLabels labels = moved(on, random_labels("parts", 3, 15, 15, 4, 0.6));
  const LossSums whole = loss_sums(scores, labels, o);
  const at::Tensor gradient = loss_gradient(scores, labels, o, whole);
  LossSums sums;
  const auto part = [&](int64_t n) { return LossLabels{labels.label.narrow(0, n, 1), labels.other.narrow(0, n, 1)}; };
  for (int64_t n = 0; n < 3; ++n) sums += loss_sums(scores.narrow(0, n, 1), part(n), o);
  REQUIRE(sums.total(o) == Approx(whole.total(o)).epsilon(1e-14));
  REQUIRE(sums.unreliable == whole.unreliable);
  for (int64_t n = 0; n < 3; ++n)
    REQUIRE(largest_difference(loss_gradient(scores.narrow(0, n, 1), part(n), o, sums), gradient.narrow(0, n, 1)) <
            1e-15);
}

EACH_PATH_TEST_CASE("a batch without reliable, unreliable or any pixels has finite loss and gradient", "[cpu]") {
  const at::Tensor scores = random_tensor("guards", {1, 3, 2, 2});
  const at::Tensor zeros = at::zeros({1, 6, 6}, at::kByte), ones = at::ones({1, 6, 6}, at::kByte);
  const at::Tensor nothing = at::full({1, 6, 6}, 255, at::kByte);
  for (const Kind kind : kKinds) {
    const LossOptions o = options_of(kind);
    const auto finite = [&](const LossLabels& labels) {
      const at::Tensor s = on(scores.clone()).requires_grad_(true);
      const at::Tensor loss = segmentation_loss(s, moved(on, labels), o);
      loss.backward();
      REQUIRE(std::isfinite(loss.item<double>()));
      REQUIRE(at::isfinite(s.grad()).all().item<bool>());
      return loss.item<double>();
    };
    REQUIRE(finite({zeros, zeros}) == Approx(naive_loss(scores, {zeros, zeros}, o)));
    REQUIRE(finite({zeros, ones}) == Approx(naive_loss(scores, {zeros, ones}, o)));
    REQUIRE(finite({nothing, nothing}) == 0);
    REQUIRE(finite({zeros, nothing}) == Approx(naive_loss(scores, {zeros, nothing}, o)));
  }
}

EACH_PATH_TEST_CASE("confidences of opposite and equal features stay numbers", "[cpu]") {
  for (const double gamma : {0.0, 0.5, 1.0, 7.0}) {
    LossOptions o;
    o.gamma = gamma;
    const at::Tensor scores = on(at::tensor({-1.0000001, 1.0, -1.0}, at::kDouble).view({1, 3, 1, 1}));
    for (const int label : {0, 1, 2}) {
      const LossLabels labels =
          moved(on, {at::full({1, 3, 3}, label, at::kByte), at::full({1, 3, 3}, (label + 1) % 3, at::kByte)});
      const LossSums sums = loss_sums(scores, labels, o);
      REQUIRE(std::isfinite(sums.total(o)));
      REQUIRE(at::isfinite(loss_gradient(scores, labels, o, sums)).all().item<bool>());
      REQUIRE(at::isfinite(loss_gradient(at::full_like(scores, -1.0), labels, o, sums)).all().item<bool>());
    }
  }
}

EACH_PATH_TEST_CASE("labels that are no class are refused by value", "[cpu]") {
  const at::Tensor scores = on(random_tensor("wrong labels", {1, 3, 2, 2}));
  at::Tensor label = at::zeros({1, 4, 4}, at::kByte);
  label[0][1][2] = 3;
  REQUIRE_THROWS_WITH(loss_sums(scores, {on(label), {}}, {}), Contains("3 is neither a class (0 to 2) nor 255"));
  REQUIRE_THROWS_AS(loss_sums(scores, {on(at::zeros({2, 4, 4}, at::kByte)), {}}, {}), Error);
}
