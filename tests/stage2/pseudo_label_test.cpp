// Every intermediate of the authors' stage2.py loop body (golden/stage2.h5) is compared, through the functions the
// program calls.
#include "stage2_pseudolabel/pseudo_label.h"

#include "common/labels/attention.h"
#include "common/labels/cam.h"
#include "stage2_pseudolabel/labels.h"
#include "stage2_pseudolabel/measure_features.h"
#include "tests/nn/paths.h"
#include "tests/stage2/golden_image.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

struct Made {
  PseudoLabels labels;
  Intermediates steps;
};

Made make(const Path& on, const GoldenImage& golden, int64_t grid, const UnaryOptions& options = {}, int threads = 2) {
  const at::Tensor features = on(golden.features);
  const auto maps = measure_features(features, golden.geometry, golden.weights, grid, threads);
  DenseCrf crf(CrfOptions{}, threads);
  Made made;
  made.labels = make_pseudo_labels(options, golden.geometry, golden.image, maps, features, golden.weights, crf, threads,
                                   &made.steps);
  return made;
}

}  // namespace

TEST_CASE("boxes and background of an image are the authors' integers", "[stage2][golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  REQUIRE(golden_images(file) == kGoldenImages);
  REQUIRE(golden_images(file, "grid4").size() == 2);
  for (const auto& id : golden_images(file)) {
    INFO(id);
    const auto golden = read_golden_image(file, id);
    const auto expected = file.read<int64_t>(id + "/in/boxes_pixels_int");
    std::vector<int64_t> boxes;
    for (const auto& b : golden.geometry.boxes) boxes.insert(boxes.end(), {b.x0, b.y0, b.x1, b.y1, b.class_id});
    CHECK(boxes == expected);
    CHECK(golden.geometry.is_background == file.read<uint8_t>(id + "/in/bg_mask"));
    CHECK(golden.geometry.classes == file.read<int64_t>(id + "/classes"));
  }
}

EACH_PATH_TEST_CASE("background queries and attention equal the authors' at full resolution", "[stage2][golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  for (const auto& id : golden_images(file)) {
    INFO(id);
    const auto golden = read_golden_image(file, id);
    const ImageSize cells{golden.features.size(1), golden.features.size(2)};
    const Interpolation interpolation(cells, golden.geometry.size, 2);
    const at::Tensor features = on(golden.features);
    const auto queries = background_queries(features, golden.geometry, golden.weights, interpolation, 1);
    CHECK(largest_difference(queries.prototypes, file.read<float>(id + "/bg_prototypes")) <= 1.1e-6);
    const auto maps = measure_features(features, golden.geometry, golden.weights, 1, 2);
    CHECK(maps == measure_features(features, golden.geometry, golden.weights, 1, 5));  // for any number of threads
    const auto norm = feature_norm(maps, interpolation);
    const auto attention = attention_map(maps, interpolation, norm);
    CHECK(largest_difference(attention, file.read<float>(id + "/bg_attn_raw")) <= 5e-6);
    const auto u0 = threshold_attention(attention, 0.99);
    CHECK(largest_difference(u0, file.read<float>(id + "/bg_attn_thresholded")) <= 5e-6);  // so no pixel flips
    CHECK(largest_difference(class_activations(maps, interpolation).values, file.read<float>(id + "/raw_cam")) <= 2e-6);
  }
}

EACH_PATH_TEST_CASE("unaries, CRF output, correlations and labels equal the authors'", "[stage2][golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  for (const auto& id : golden_images(file)) {
    INFO(id);
    const auto golden = read_golden_image(file, id);
    const auto made = make(on, golden, 1);
    CHECK(largest_difference(made.steps.attention_raw, file.read<float>(id + "/bg_attn_raw")) <= 5e-6);
    CHECK(largest_difference(made.steps.parts.foreground.values, file.read<float>(id + "/normed_cam")) <= 1.3e-5);
    CHECK(largest_difference(made.steps.unary.values, file.read<float>(id + "/unary")) <= 3e-6);
    CHECK(largest_difference(made.steps.q_before_reset.values, file.read<float>(id + "/Q_before_reset")) <= 2e-4);
    CHECK(largest_difference(made.steps.q_after_reset.values, file.read<float>(id + "/Q_after_reset")) <= 2e-4);
    CHECK(largest_difference(made.steps.correlation_before_reset.values, file.read<float>(id + "/corr_before_reset")) <=
          7e-6);
    CHECK(share_of_differences(made.labels.y_crf.pixels, file.read<uint8_t>(id + "/Y_crf")) <= 1e-4);
    CHECK(share_of_differences(made.labels.y_ret.pixels, file.read<uint8_t>(id + "/Y_ret")) <= 1e-4);
  }
}

EACH_PATH_TEST_CASE("a grid of 4 x 4 queries equals the authors'", "[stage2][golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  for (const auto& id : golden_images(file, "grid4")) {
    INFO(id);
    const std::string group = id + "/grid4";
    const auto golden = read_golden_image(file, id);
    const Interpolation interpolation({golden.features.size(1), golden.features.size(2)}, golden.geometry.size);
    const auto queries = background_queries(on(golden.features), golden.geometry, golden.weights, interpolation, 4);
    CHECK(queries.cell_ids == file.read<int64_t>(group + "/valid_grid_ids"));
    CHECK(largest_difference(queries.prototypes, file.read<float>(group + "/bg_prototypes")) <= 1.1e-6);
    const auto made = make(on, golden, 4);
    CHECK(largest_difference(made.steps.attention_raw, file.read<float>(group + "/bg_attn_raw")) <= 5e-6);
    CHECK(share_of_differences(made.labels.y_crf.pixels, file.read<uint8_t>(group + "/Y_crf")) <= 1e-4);
    CHECK(share_of_differences(made.labels.y_ret.pixels, file.read<uint8_t>(group + "/Y_ret")) <= 1e-4);
  }
}

EACH_PATH_TEST_CASE("the report's background without attention equals its code", "[stage2][golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  UnaryOptions options;
  options.background = BackgroundUnary::activation;
  for (const auto& id : golden_images(file)) {
    INFO(id);
    const std::string group = id + "/without_u0";
    const auto golden = read_golden_image(file, id);
    const auto made = make(on, golden, 1, options);
    CHECK(largest_difference(made.steps.parts.background, file.read<float>(group + "/cam_background")) <= 1.3e-5);
    if (file.has(group + "/unary")) {
      CHECK(largest_difference(made.steps.unary.values, file.read<float>(group + "/unary")) <= 3e-6);
      CHECK(largest_difference(made.steps.q_before_reset.values, file.read<float>(group + "/Q_before_reset")) <= 2e-4);
    }
    CHECK(share_of_differences(made.labels.y_crf.pixels, file.read<uint8_t>(group + "/Y_crf_u0")) <= 1e-4);
  }
}

EACH_PATH_TEST_CASE("an image without background is labelled, where the authors' code gives NaN and all background",
                    "[stage2][golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  auto golden = read_golden_image(file, "2009_005055");
  const auto numbers = file.read<int64_t>("no_background/boxes_pixels_int");
  golden.geometry.boxes.clear();
  for (size_t i = 0; i < numbers.size(); i += 5)
    golden.geometry.boxes.push_back({numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3], numbers[i + 4]});
  golden.geometry.is_background.assign(golden.geometry.is_background.size(), 0);
  golden.geometry.classes.clear();
  for (const auto& b : golden.geometry.boxes) golden.geometry.classes.push_back(b.class_id);
  std::sort(golden.geometry.classes.begin(), golden.geometry.classes.end());
  golden.geometry.classes.erase(std::unique(golden.geometry.classes.begin(), golden.geometry.classes.end()),
                                golden.geometry.classes.end());
  CHECK(file.read<uint8_t>("no_background/Y_crf") == std::vector<uint8_t>(golden.geometry.is_background.size(), 0));

  SECTION("the background's classifier weight is the query") {
    const auto made = make(on, golden, 1);
    for (const float a : made.steps.attention_raw) REQUIRE((a >= 0 && a <= 1.00001f));
    CHECK(*std::max_element(made.steps.attention_raw.begin(), made.steps.attention_raw.end()) > 0);
    const auto labelled =
        made.labels.y_crf.pixels.size() -
        static_cast<size_t>(std::count(made.labels.y_crf.pixels.begin(), made.labels.y_crf.pixels.end(), 0));
    CHECK(labelled > 0);
  }
  SECTION("without one the attention is 0") {
    golden.weights.row_of_class[0] = -1;
    const auto made = make(on, golden, 1);
    CHECK(*std::max_element(made.steps.attention_raw.begin(), made.steps.attention_raw.end()) == 0);
    for (const float q : made.steps.q_before_reset.values) REQUIRE(q >= 0);
  }
}
