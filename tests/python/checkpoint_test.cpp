// People load our checkpoints into the authors' networks in PyTorch: every tensor finds its place, and the same photo
// gives the same features and scores.
#include <algorithm>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/base/random.h"
#include "common/io/npy.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;

// The sides are odd and not square, so that every pool rounds.
at::Tensor made_up_photo() {
  at::Tensor rgb = at::empty({97, 129, 3}, at::kByte);
  Random random(0, "tests/python", 0);
  std::generate_n(rgb.mutable_data_ptr<uint8_t>(), rgb.numel(),
                  [&] { return static_cast<uint8_t>(random.below(256)); });
  return test::caffe_input(rgb);
}

void write_tensor(const fs::path& path, const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  const float* begin = values.const_data_ptr<float>();
  write_npy(path, {values.sizes().vec(), {begin, begin + values.numel()}});
}

// These are the tolerances of the golden networks with mixed weights (nets.h5), relative to the largest value. On one
// machine both sides even call the same library, and differ by nothing or by the order of sums.
constexpr double kTolerance = 1e-5;

void require_equal_in_python(const fs::path& python, const NetworkSpec& spec) {
  const test::TemporaryDirectory dir;
  const auto network = make_empty_network(spec);
  test::fill_by_formula(*network);
  write_checkpoint(dir / "network.pt", make_checkpoint(*network, {}));
  const at::Tensor input = made_up_photo();
  const at::NoGradGuard no_grad;
  const at::Tensor features = network->features(input, {});
  write_tensor(dir / "input.npy", input);
  write_tensor(dir / "features.npy", features);
  write_tensor(dir / "scores.npy", at::conv2d(features, network->classifier_weight()));
  const auto result =
      test::run_command(fmt::format("'{}' '{}/tests/python/check_checkpoint.py' {} {} {} '{}'", python.string(),
                                    BOXSEG_SOURCE_DIR, spec.backbone, spec.head, kTolerance, dir.path().string()));
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  std::printf("%s", result.out.c_str());
}

}  // namespace

TEST_CASE("PyTorch loads a VGG-16 classifier of ours and computes the same", "[python]") {
  PYTHON_OR_SKIP(python);
  require_equal_in_python(python, {.backbone = "vgg16", .head = "plain"});
}

TEST_CASE("PyTorch loads a DeepLab-LargeFOV of ours and computes the same", "[python]") {
  PYTHON_OR_SKIP(python);
  require_equal_in_python(python, {.backbone = "vgg16", .head = "largefov"});
}

TEST_CASE("PyTorch loads a ResNet-101 with ASPP of ours and computes the same", "[python]") {
  PYTHON_OR_SKIP(python);
  require_equal_in_python(python, {.backbone = "resnet101", .head = "aspp"});
}
