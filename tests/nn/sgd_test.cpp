#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/io/hdf5.h"
#include "common/training/trainer.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

constexpr ParameterGroup kGroups[] = {ParameterGroup::backbone_weight, ParameterGroup::backbone_bias,
                                      ParameterGroup::scratch_weight, ParameterGroup::scratch_bias};

Schedule schedule_of(const std::string& stage) {
  return stage == "stage1" ? Schedule{"step", {5000}, 8000} : Schedule{"poly", {}, 23805};
}

}  // namespace

TEST_CASE("learning rates follow the authors' schedulers to the end", "[golden][sgd]") {
  SHARED_OR_SKIP(shared);
  const H5Reader steps(shared / "golden/steps.h5");
  for (const std::string stage : {"stage1", "stage3"}) {
    std::vector<Parameter> none;
    const Sgd sgd(none, {.learning_rate = steps.attribute<double>(stage, "base_lr")});
    const Schedule schedule = schedule_of(stage);
    REQUIRE(schedule.iterations == steps.attribute<int64_t>(stage, "max_iter"));
    const auto iterations = steps.read<int64_t>(stage + "/schedule/iteration");
    const auto rates = steps.read<double>(stage + "/schedule/learning_rate");
    for (size_t i = 0; i < iterations.size(); ++i)
      for (size_t g = 0; g < 4; ++g) {
        INFO(stage << " iteration " << iterations[i] << " group " << g);
        CHECK(sgd.rate(kGroups[g], schedule.factor(iterations[i])) ==
              Approx(rates[4 * i + g]).epsilon(1e-14).margin(1e-18));
      }
    const auto first = steps.read<double>(stage + "/learning_rate");
    for (size_t it = 0; it < 3; ++it)
      for (size_t g = 0; g < 4; ++g)
        CHECK(sgd.rate(kGroups[g], schedule.factor(static_cast<int64_t>(it) + 1)) ==
              Approx(first[4 * it + g]).epsilon(1e-14));
  }
}

TEST_CASE("every tensor is in the authors' optimiser group", "[golden][sgd]") {
  SHARED_OR_SKIP(shared);
  const H5Reader steps(shared / "golden/steps.h5");
  for (const std::string stage : {"stage1", "stage3"}) {
    const auto network = make_empty_network({.backbone = "vgg16", .head = stage == "stage1" ? "plain" : "largefov"});
    const auto names = steps.read_strings(stage + "/tensor_names");
    const auto groups = steps.read<int64_t>(stage + "/tensor_group");
    REQUIRE(network->parameters().size() == names.size());
    for (size_t i = 0; i < names.size(); ++i) {
      CHECK(network->parameters()[i].name == names[i]);
      CHECK(static_cast<int64_t>(network->parameters()[i].group) == groups[i]);
    }
  }
}

TEST_CASE("the weights at the start of the golden steps are filled as probed", "[golden][sgd]") {
  SHARED_OR_SKIP(shared);
  const H5Reader steps(shared / "golden/steps.h5");
  for (const std::string stage : {"stage1", "stage3"}) {
    // parameter_probe is taken after the step, and change_probe is the difference: together they give the start (first,
    // last).
    const auto network = steps_network(steps, stage);
    const auto after = steps.read<double>(stage + "/parameter_probe"),
               change = steps.read<double>(stage + "/change_probe");
    const auto values = values_of(*network);
    for (size_t t = 0; t < values.size(); ++t) {
      const auto found = steps_probe(values[t]);
      for (const size_t column : {size_t{2}, size_t{3}}) {
        INFO(stage << " " << network->parameters()[t].name << " column " << column);
        CHECK(found[column] == Approx(after[4 * t + column] - change[4 * t + column]).epsilon(1e-9).margin(1e-12));
      }
    }
  }
}

TEST_CASE("SGD adds decay to the gradient and keeps the first gradient as momentum", "[sgd]") {
  // The numbers are by hand, for a weight of 2 with rate 0.1, momentum 0.5, decay 0.25 and gradients 1 and 3.
  const auto parameter = [](ParameterGroup group) {
    return Parameter{"p", at::full({1}, 2.0, at::kDouble).set_requires_grad(true), group};
  };
  std::vector<Parameter> parameters = {
      parameter(ParameterGroup::backbone_weight), parameter(ParameterGroup::backbone_bias),
      parameter(ParameterGroup::scratch_weight), parameter(ParameterGroup::scratch_bias)};
  Sgd sgd(parameters, {.learning_rate = 0.1, .momentum = 0.5, .weight_decay = 0.25});
  const auto step = [&](double gradient, double factor) {
    for (Parameter& p : parameters) p.value.mutable_grad() = at::full({1}, gradient, at::kDouble);
    sgd.step(factor);
    for (Parameter& p : parameters) REQUIRE_FALSE(p.value.grad().defined());
  };
  const auto value = [&](size_t i) { return parameters[i].value.item<double>(); };
  step(1, 1);
  CHECK(value(0) == Approx(2 - 0.1 * 1.5));  // 1 + 0.25 * 2
  CHECK(value(1) == Approx(2 - 0.2 * 1));
  CHECK(value(2) == Approx(2 - 1.0 * 1.5));
  CHECK(value(3) == Approx(2 - 2.0 * 1));
  step(3, 0.5);
  CHECK(value(0) == Approx(1.85 - 0.05 * (0.5 * 1.5 + 3 + 0.25 * 1.85)));
  CHECK(value(1) == Approx(1.8 - 0.1 * (0.5 * 1 + 3)));
  CHECK(value(2) == Approx(0.5 - 0.5 * (0.5 * 1.5 + 3 + 0.25 * 0.5)));
  CHECK(value(3) == Approx(0 - 1.0 * (0.5 * 1 + 3)));
}

TEST_CASE("large tensors are updated block by block with the bits of whole operations", "[sgd]") {
  const at::Tensor start = at::arange(3 * 50021, at::kFloat).mul_(0.37).sin_().view({3, 50021});
  const at::Tensor first = start.cos(), second = (start * 7).sin();
  const auto learnt = [&](const at::Tensor& one, const at::Tensor& two) {
    std::vector<Parameter> parameters = {{"p", start.clone().set_requires_grad(true), ParameterGroup::scratch_weight}};
    Sgd sgd(parameters, {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.25});
    for (const at::Tensor& gradient : {one, two}) {
      parameters[0].value.mutable_grad() = gradient;
      sgd.step(1);
    }
    return parameters[0].value.detach();
  };
  at::Tensor value = start.clone(), momentum = first.add(value, 0.25);
  value.add_(momentum, -1.0);
  momentum.mul_(0.9).add_(second.add(value, 0.25));
  value.add_(momentum, -1.0);
  const int before = at::get_num_threads();
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    REQUIRE(at::equal(learnt(first.clone(), second.clone()), value));
  }
  at::set_num_threads(before);
  // A gradient in another order of its axes is taken as it is.
  const auto spread = [](const at::Tensor& t) { return t.t().contiguous().t(); };
  REQUIRE(at::equal(learnt(spread(first), spread(second)), value));
}

TEST_CASE("a schedule that moves every tenth step is the report's, every step the authors'", "[sgd]") {
  // As in models/PolyScheduler.py, in steps 1, 11, 21, ... the rate is (1 - finished steps / all)^0.9, else what it
  // was.
  double held = 1;
  const Schedule every_tenth{"poly", {}, 2000, 10}, every{"poly", {}, 2000};
  for (int64_t it = 1; it <= 2000; ++it) {
    const double finished = static_cast<double>(it - 1);
    if ((it - 1) % 10 == 0) held = std::pow(1 - finished / 2000, 0.9);
    REQUIRE(every_tenth.factor(it) == Approx(held).epsilon(1e-14));
    REQUIRE(every.factor(it) == Approx(std::pow(1 - finished / 2000, 0.9)).epsilon(1e-14));
  }
  REQUIRE(every_tenth.factor(15) != every.factor(15));
}

TEST_CASE("biases learn twice as fast as weights, or as fast where asked", "[sgd]") {
  std::vector<Parameter> none;
  for (const double bias_rate : {2.0, 1.0}) {
    const Sgd sgd(none, {0.5, 0.9, 0.25, bias_rate});
    CHECK(sgd.rate(ParameterGroup::backbone_weight, 1) == 0.5);
    CHECK(sgd.rate(ParameterGroup::backbone_bias, 1) == 0.5 * bias_rate);
    CHECK(sgd.rate(ParameterGroup::scratch_weight, 1) == 5);
    CHECK(sgd.rate(ParameterGroup::scratch_bias, 1) == 5 * bias_rate);
  }
}

TEST_CASE("SGD leaves a parameter without a gradient alone", "[sgd]") {
  std::vector<Parameter> parameters = {
      {"p", at::full({1}, 2.0).set_requires_grad(true), ParameterGroup::backbone_weight}};
  Sgd sgd(parameters, {});
  sgd.step(1);
  CHECK(parameters[0].value.item<float>() == 2);
  CHECK(sgd.momentum().empty());
}

TEST_CASE("momentum buffers of another network are refused", "[sgd]") {
  std::vector<Parameter> parameters = {{"p", at::zeros({2}).set_requires_grad(true), ParameterGroup::backbone_weight}};
  Sgd sgd(parameters, {});
  CHECK_THROWS_WITH(sgd.set_momentum({{"q", at::zeros({2})}}), Contains("q: no such parameter"));
  CHECK_THROWS_WITH(sgd.set_momentum({{"p", at::zeros({3})}}), Contains("[3] instead of [2]"));
}

TEST_CASE("an unknown schedule is a usage error", "[sgd]") {
  try {
    (Schedule{"cosine", {}, 10}).factor(1);
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.exit_code() == 2);
  }
}
