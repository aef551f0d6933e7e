// People predict with a trained network in PyTorch, and export it to ONNX for other runtimes: both give the logits and
// the labels that `stage3_segment predict` gives.
#include "stage3_segment/segmenter.h"

#include <string>
#include <vector>

#include "common/base/text.h"
#include "common/io/checkpoint/checkpoint.h"
#include "common/io/npy.h"
#include "stage3_segment/score_maps.h"
#include "tests/stage3/small_dataset.h"
#include "tests/support/python_packages.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using test::in_quotes;

void require_success(const std::string& command) {
  const auto result = test::run_command(command);
  INFO(command << "\n" << result.out << result.err);
  REQUIRE(result.exit_code == 0);
  std::printf("%s", result.out.c_str());
}

// A few steps from random weights: what the network finds does not matter, but no two of its layers are alike.
fs::path train(const test::TemporaryDirectory& dir, const std::string& network) {
  require_success(fmt::format(
      "'{}'/stage3_segment train --dataset {} --loss true_masks --output {} --iterations 2 "
      "--batch 2 --crop 65 --classifier-std 1 --threads 1 --quiet {}",
      BOXSEG_BIN_DIR, in_quotes(test::make_small_dataset(dir.path(), 4)), in_quotes(dir / "stage3"), network));
  return dir / "stage3/segmenter.pt";
}

// Sides that are even, odd, and neither divisible by the stride nor one more.
constexpr ImageSize kSizes[] = {{70, 80}, {61, 99}};

// Writes photos/N.png and, of each, logits/N.npy [K,H,W]: T times what `predict` takes the highest of.
void write_logits(const test::TemporaryDirectory& dir, const fs::path& checkpoint) {
  const Segmenter segmenter = load_segmenter(checkpoint, at::kCPU);
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < std::size(kSizes); ++i) {
    const ImageSize size = kSizes[i];
    const RgbImage image = test::make_picture(static_cast<int64_t>(i), size.height, size.width).image;
    write_rgb_png(dir / fmt::format("photos/{}.png", i), image);
    std::vector<float> input = normalise({image.pixels.begin(), image.pixels.end()}, size.height, size.width,
                                         segmenter.network->normalisation());
    const ScoreMaps scores =
        score_maps(*segmenter.network, at::from_blob(input.data(), {1, 3, size.height, size.width}, at::kFloat), {1},
                   /*flips=*/false, segmenter.record.align_corners);
    const int64_t area = size.height * size.width;
    FloatArray logits{{scores.classes, size.height, size.width}, {}};
    logits.values.resize(static_cast<size_t>(scores.classes * area));
    for_each_row(scores, size, 1, [&](int64_t y, const float* s) {
      for (int64_t x = 0; x < size.width; ++x)
        for (int64_t c = 0; c < scores.classes; ++c)
          logits.values[static_cast<size_t>(c * area + y * size.width + x)] =
              static_cast<float>(segmenter.record.temperature) * *s++;
    });
    write_npy(dir / fmt::format("logits/{}.npy", i), logits);
  }
}

// `more`: "program" also runs boxseg_network.py as one.
void require_equal_in_python(const fs::path& python, const test::TemporaryDirectory& dir, const fs::path& checkpoint,
                             const std::string& more = "") {
  write_logits(dir, checkpoint);
  require_success(fmt::format("'{}'/stage3_segment predict --checkpoint {} --images {} --output {} --threads 1 --quiet",
                              BOXSEG_BIN_DIR, in_quotes(checkpoint), in_quotes(dir / "photos"),
                              in_quotes(dir / "labels")));
  require_success(fmt::format("{} '{}/tests/python/check_segmenter.py' {} {} {}", in_quotes(python), BOXSEG_SOURCE_DIR,
                              in_quotes(checkpoint), in_quotes(dir.path()), more));
}

void require_equal_in_python(const std::string& network) {
  PYTHON_WITH_OR_SKIP(python, "onnx onnxruntime");
  const test::TemporaryDirectory dir;
  require_equal_in_python(python, dir, train(dir, network));
}

}  // namespace

TEST_CASE("PyTorch and ONNX Runtime predict with a tiny network of ours as we do", "[python]") {
  require_equal_in_python("--backbone tiny --head plain");
}

TEST_CASE("PyTorch and ONNX Runtime predict with an EfficientNet-Lite0 of ours as we do", "[python]") {
  require_equal_in_python("--backbone efficientnet_lite0 --head largefov");
}

TEST_CASE("PyTorch and ONNX Runtime predict with a dilated EfficientNet-Lite0 with ASPP as we do", "[python]") {
  require_equal_in_python("--backbone efficientnet_lite0 --head aspp --output-stride 8 --temperature 7");
}

TEST_CASE("PyTorch and ONNX Runtime predict with a DeepLab-LargeFOV of ours as we do", "[python]") {
  require_equal_in_python("--backbone vgg16 --head largefov");
}

TEST_CASE("PyTorch and ONNX Runtime predict with a ResNet-101 with ASPP of ours as we do", "[python][slow]") {
  require_equal_in_python("--backbone resnet101 --head aspp");
}

TEST_CASE("PyTorch and ONNX Runtime follow what a checkpoint says about input, output and colours", "[python]") {
  PYTHON_WITH_OR_SKIP(python, "onnx onnxruntime");
  const test::TemporaryDirectory dir;
  const fs::path trained = train(dir, "--backbone tiny --head largefov --align-corners=false");
  Checkpoint checkpoint = read_checkpoint(trained);
  checkpoint.record["normalisation"] = "torchvision_rgb";
  write_checkpoint(dir / "other.pt", checkpoint);
  require_equal_in_python(python, dir, dir / "other.pt", "program");
}

TEST_CASE("PyTorch refuses files that are no segmenter, and says which", "[python]") {
  PYTHON_WITH_OR_SKIP(python, "onnx onnxruntime");
  const test::TemporaryDirectory dir;
  const Checkpoint segmenter = read_checkpoint(train(dir, "--backbone tiny --head plain"));
  std::vector<std::string> words;
  std::string files;
  const auto expect = [&](const fs::path& file, const std::string& said) {
    files += " " + in_quotes(file);
    words.push_back(file.string() + ": " + said);
  };
  const auto expect_changed = [&](const std::string& name, const std::string& value, const std::string& said) {
    Checkpoint checkpoint = segmenter;
    if (value.empty())
      checkpoint.record.erase(name);
    else
      checkpoint.record[name] = value;
    const fs::path file = dir / (name + ".pt");
    write_checkpoint(file, checkpoint);
    expect(file, said);
  };
  // A classifier's record has no kind; that of a training's state has a run_key.
  expect_changed("kind", "", "is a classifier of stage 1; expected a segmenter.pt");
  expect(dir / "stage3/checkpoint.pt", "is the state of a training; expected a segmenter.pt");
  expect(dir / "0.png", "was not written by boxseg, or is damaged; expected a segmenter.pt");
  expect_changed("temperature", "", "its record lacks 'temperature'");
  expect_changed("backbone", "vgg99", "no network has backbone vgg99, head plain");
  expect_changed("normalisation", "none", "normalisation none is none of caffe_bgr");
  expect_changed("classes", "4", "Error(s) in loading state_dict for Segmenter:");
  const auto result = test::run_command(
      fmt::format("{} '{}/tests/python/check_segmenter.py' refused{}", in_quotes(python), BOXSEG_SOURCE_DIR, files));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const auto lines = read_lines(result.out);
  REQUIRE(lines.size() == words.size());
  for (size_t i = 0; i < words.size(); ++i) CHECK_THAT(lines[i], StartsWith(words[i]));
}
