#include <cmath>
#include <string>
#include <vector>

#include "common/io/hdf5.h"
#include "common/networks/network.h"
#include "tests/nn/paths.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Returns the largest |a - b| relative to the largest |b|.
double relative_error(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

void require_filled_as_probed(const H5Reader& nets, const std::string& group, const Network& network) {
  const std::vector<double> probe = nets.read<double>(group + "/state_dict_probe");
  const std::vector<std::string> keys = nets.read_strings(group + "/state_dict_keys");
  const NamedTensors state = network.state_dict();
  REQUIRE(state.size() == keys.size());
  for (size_t t = 0; t < keys.size(); ++t) {
    std::string text = state[t].first + " ";
    for (int64_t i = 0; i < state[t].second.dim(); ++i)
      text += (i > 0 ? "x" : "") + std::to_string(state[t].second.size(i));
    const bool is_counter = state[t].second.scalar_type() == at::kLong;
    REQUIRE((is_counter ? state[t].first + " scalar int64" : text + " float32") == keys[t]);
    const at::Tensor flat = state[t].second.flatten().to(at::kDouble);
    INFO(keys[t]);
    REQUIRE(flat[0].item<double>() == probe[4 * t]);
    REQUIRE(flat[flat.numel() - 1].item<double>() == probe[4 * t + 1]);
    REQUIRE(flat.sum().item<double>() == Approx(probe[4 * t + 2]).epsilon(1e-9).margin(1e-9));
    REQUIRE(flat.abs().sum().item<double>() == Approx(probe[4 * t + 3]).epsilon(1e-9));
  }
}

void require_golden_forward(const Path& on, const std::filesystem::path& shared, const std::string& group,
                            const NetworkSpec& spec, Formula formula, double tolerance) {
  const H5Reader nets(shared / "golden/nets.h5");
  const auto network = make_empty_network(spec);
  fill_by_formula(*network, formula);
  require_filled_as_probed(nets, group, *network);
  network->to(on.device);
  at::NoGradGuard no_grad;
  const at::Tensor features = network->features(on(read_tensor(nets, "in/input")), {}).cpu();
  const at::Tensor golden = read_tensor(nets, group + "/features").unsqueeze(0);
  const int64_t step = features.size(1) / golden.size(1);
  CHECK(relative_error(features.slice(1, 0, {}, step), golden) <= tolerance);
  const at::Tensor weight = network->classifier_weight().cpu();
  CHECK(relative_error(at::conv2d(features, weight)[0], read_tensor(nets, group + "/logit")) <= tolerance);
  const auto unit = [](const at::Tensor& x) { return x / x.norm(2, {1}, true).clamp_min(1e-12); };
  CHECK(relative_error(at::conv2d(unit(features), unit(weight))[0], read_tensor(nets, group + "/cosine_logit")) <=
        tolerance);
}

}  // namespace

EACH_PATH_TEST_CASE("VGG-16 as a classifier gives the authors' features", "[golden][vgg16]") {
  SHARED_OR_SKIP(shared);
  const NetworkSpec spec{.backbone = "vgg16", .head = "plain"};
  require_golden_forward(on, shared, "vgg16_classifier_mixed", spec, Formula::mixed, 1e-5);
  require_golden_forward(on, shared, "vgg16_classifier", spec, Formula::plain, 4e-6);
}

EACH_PATH_TEST_CASE("VGG-16 with LargeFOV gives the authors' features", "[golden][vgg16]") {
  SHARED_OR_SKIP(shared);
  const NetworkSpec spec{.backbone = "vgg16", .head = "largefov"};
  require_golden_forward(on, shared, "deeplab_largefov_mixed", spec, Formula::mixed, 1e-5);
  require_golden_forward(on, shared, "deeplab_largefov", spec, Formula::plain, 4e-6);
}

EACH_PATH_TEST_CASE("ResNet-101 with ASPP gives the authors' features", "[golden][resnet101]") {
  SHARED_OR_SKIP(shared);
  const NetworkSpec spec{.backbone = "resnet101", .head = "aspp"};
  require_golden_forward(on, shared, "deeplab_aspp_res101_mixed", spec, Formula::mixed, 1e-5);
  require_golden_forward(on, shared, "deeplab_aspp_res101", spec, Formula::plain, 4e-4);
}

TEST_CASE("the input of the golden networks is the normalised photo", "[golden][vgg16]") {
  SHARED_OR_SKIP(shared);
  const H5Reader nets(shared / "golden/nets.h5");
  const at::Tensor rgb = read_tensor<uint8_t>(nets, "in/rgb");
  REQUIRE(at::equal(caffe_input(rgb), read_tensor(nets, "in/input")));
}
